// SPDX-License-Identifier: MIT
#include "train/training_data.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/concat.h"
#include "base/counter_rng.h"

namespace fathom {
namespace {

uint64_t seed_of(uint64_t seed, uint64_t source, uint64_t epoch) noexcept {
  return random_bits(random_bits(seed, source), epoch);
}

// Fisher and Yates with numbers that depend on the seed and the place only.
template <typename T>
void shuffle(std::vector<T>& items, uint64_t seed) {
  for (size_t i = items.size(); i > 1; --i) {
    std::swap(items[i - 1], items[static_cast<size_t>(random_uniform(seed, i) * static_cast<double>(i))]);
  }
}

// Uniform in [0, 1) by the tokens of a document.
double content_place(const DocumentView& document) noexcept {
  uint64_t hash = 0;
  for (const int32_t id : document.ids) hash = mix_bits(hash ^ static_cast<uint32_t>(id));
  return static_cast<double>(hash >> 11) * 0x1p-53;
}

Status check(const DataOptions& options) {
  const auto refused = [](std::string_view what, std::string_view expected, auto found) {
    return Status(StatusCode::kInvalidArgument,
                  concat("data.", what, ": expected ", expected, ", found ", found));
  };
  if (options.sources.empty()) return refused("sources", "at least one", 0);
  for (const DataSource& source : options.sources) {
    if (!(source.weight > 0.0) || !std::isfinite(source.weight)) {
      return refused("weight", "a number above 0", source.weight);
    }
  }
  if (options.sequence_tokens < 2 || options.sequence_tokens > int64_t{1} << 24) {
    return refused("sequence_tokens", "2 to 16777216", options.sequence_tokens);
  }
  if (!(options.validation_fraction >= 0.0 && options.validation_fraction < 1.0)) {
    return refused("validation_fraction", "0 to below 1", options.validation_fraction);
  }
  return {};
}

std::vector<DocumentView> views(const TokenFile& file, const PackedSequence& pieces) {
  std::vector<DocumentView> documents;
  for (const DocumentPiece& piece : pieces) {
    const DocumentView whole = file.document(piece.document);
    const auto begin = static_cast<size_t>(piece.begin);
    const auto count = static_cast<size_t>(piece.size());
    documents.push_back({whole.ids.subspan(begin, count), whole.predicted.subspan(begin, count)});
  }
  return documents;
}

}  // namespace

Result<TrainingData> TrainingData::open(IoEnv& env, const DataOptions& options,
                                        const DocumentEncoding& encoding, const Digest& tokenizer_digest) {
  FATHOM_RETURN_IF_ERROR(check(options));
  TrainingData data(options);
  for (const DataSource& source : options.sources) {
    FATHOM_ASSIGN_OR_RETURN(TokenFile file, TokenFile::open(env, source.path, options.cache_directory,
                                                            encoding, tokenizer_digest));
    if (const Status status = data.add_source(std::move(file), source.weight); !status.ok()) {
      return status.in(source.path);
    }
  }
  data.taken_.assign(data.sources_.size(), 0);
  return data;
}

Status TrainingData::add_source(TokenFile file, double weight) {
  std::vector<int64_t> lengths;
  std::vector<int64_t> held_out_lengths;
  for (int64_t i = 0; i < file.size(); ++i) {
    const DocumentView document = file.document(i);
    const auto length = static_cast<int64_t>(document.ids.size());
    const bool held_out = content_place(document) < options_.validation_fraction;
    lengths.push_back(held_out ? 0 : length);
    held_out_lengths.push_back(held_out ? length : 0);
  }
  std::vector<DocumentPiece> pieces = cut_documents(lengths, options_.sequence_tokens);
  if (pieces.empty()) {
    return {StatusCode::kInvalidArgument,
            "expected a document of two tokens or more to train on, found none"};
  }
  for (PackedSequence& sequence :
       pack_best_fit(cut_documents(held_out_lengths, options_.sequence_tokens), options_.sequence_tokens)) {
    validation_.push_back({sources_.size(), std::move(sequence)});
  }
  sources_.push_back(
      {.file = std::move(file), .weight = weight, .pieces = std::move(pieces), .sequences = {}});
  Source& source = sources_.back();
  pack_epoch(source, sources_.size() - 1, 0);
  source.sequences_an_epoch = std::ssize(source.sequences);
  return {};
}

void TrainingData::pack_epoch(Source& source, size_t number, int64_t epoch) const {
  if (source.epoch == epoch) return;
  const uint64_t seed = seed_of(options_.seed, number, static_cast<uint64_t>(epoch));
  std::vector<DocumentPiece> pieces = source.pieces;
  shuffle(pieces, seed);
  source.sequences = pack_best_fit(std::move(pieces), options_.sequence_tokens);
  shuffle(source.sequences, mix_bits(seed));
  for (size_t i = 0; i < source.sequences.size(); ++i) shuffle(source.sequences[i], random_bits(seed, i));
  source.epoch = epoch;
}

// Each turn goes to the source that is furthest behind its share; of equals to the first.
TrainingData::Turn TrainingData::turn_of(int64_t index) {
  if (index < next_) {
    std::fill(taken_.begin(), taken_.end(), 0);
    next_ = 0;
  }
  const double total = std::accumulate(sources_.begin(), sources_.end(), 0.0,
                                       [](double sum, const Source& source) { return sum + source.weight; });
  for (;; ++next_) {
    size_t chosen = 0;
    double most = -1.0;
    for (size_t s = 0; s < sources_.size(); ++s) {
      const double behind =
          sources_[s].weight / total * static_cast<double>(next_ + 1) - static_cast<double>(taken_[s]);
      if (behind > most) {
        most = behind;
        chosen = s;
      }
    }
    if (next_ == index) return {chosen, taken_[chosen]};
    ++taken_[chosen];
  }
}

std::vector<DocumentView> TrainingData::sequence(int64_t index) {
  const Turn turn = turn_of(index);
  Source& source = sources_[turn.source];
  pack_epoch(source, turn.source, turn.index / source.sequences_an_epoch);
  return views(source.file, source.sequences[turn.index % source.sequences_an_epoch]);
}

std::vector<DocumentView> TrainingData::validation_sequence(int64_t index) const {
  return views(sources_[validation_[index].source].file, validation_[index].pieces);
}

Digest TrainingData::digest() const {
  std::vector<std::byte> all;
  const auto add = [&](const auto& value) {
    const auto bytes = std::as_bytes(std::span(&value, 1));
    all.insert(all.end(), bytes.begin(), bytes.end());
  };
  for (const Source& source : sources_) {
    add(source.file.digest());
    add(source.weight);
  }
  add(options_.sequence_tokens);
  add(options_.seed);
  add(options_.validation_fraction);
  return sha256({all});
}

}  // namespace fathom

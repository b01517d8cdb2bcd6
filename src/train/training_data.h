// SPDX-License-Identifier: MIT
// TrainingData: sequences of packed documents from weighted sources, in an order that is a pure function of
// the seed (training.md 10).
//
// sequence(i) depends on the sources, the options and i alone, so a cursor is all that a resumed run needs.
// Source s gets its share of every stretch of sequences, not only on average. Each source is read in epochs;
// an epoch packs all its documents anew in another order. Documents are held out for validation by their
// content, so a repeated document is never on both sides. Trainer thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "train/packing.h"
#include "train/token_file.h"

namespace fathom {

struct DataSource {
  std::string path;
  double weight = 1.0;  // share of the sequences, relative to the others
};

struct DataOptions {
  std::vector<DataSource> sources;
  std::string cache_directory;
  int64_t sequence_tokens = 0;
  uint64_t seed = 0;
  double validation_fraction = 0.0;  // of the documents
};

class TrainingData {
 public:
  // Tokenises what is not cached yet. kInvalidArgument for options out of range and for a source whose
  // training side is empty.
  static Result<TrainingData> open(IoEnv& env, const DataOptions& options, const DocumentEncoding& encoding,
                                   const Digest& tokenizer_digest);

  // The documents of training sequence `index`, at most sequence_tokens tokens together.
  std::vector<DocumentView> sequence(int64_t index);

  // Held-out documents, packed once; may be none.
  int64_t validation_sequences() const noexcept { return static_cast<int64_t>(validation_.size()); }
  std::vector<DocumentView> validation_sequence(int64_t index) const;

  // Equal digests give equal sequences: a run that resumes compares it.
  Digest digest() const;

 private:
  struct Source {
    TokenFile file;
    double weight;
    std::vector<DocumentPiece> pieces;      // of the documents to train on
    int64_t epoch = -1;                     // of `sequences`
    std::vector<PackedSequence> sequences;  // in the order of the epoch
    int64_t sequences_an_epoch = 0;
  };
  struct Turn {
    size_t source;
    int64_t index;  // within the source
  };
  struct HeldOut {
    size_t source;
    PackedSequence pieces;
  };

  explicit TrainingData(DataOptions options) : options_(std::move(options)) {}
  Status add_source(TokenFile file, double weight);
  void pack_epoch(Source& source, size_t number, int64_t epoch) const;
  Turn turn_of(int64_t index);

  DataOptions options_;
  std::vector<Source> sources_;
  std::vector<HeldOut> validation_;
  std::vector<int64_t> taken_;  // [sources] turns before next_
  int64_t next_ = 0;
};

}  // namespace fathom

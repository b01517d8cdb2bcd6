// SPDX-License-Identifier: MIT
#include "text/tokenizer.h"

#include <utility>

#include "text/added_token_set.h"
#include "text/bpe.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer_json.h"
#include "text/utf8.h"

namespace fathom {

struct Tokenizer::Tables {
  Bpe bpe;
  AddedTokenSet literal;
  AddedTokenSet normalized;
};

namespace {

// Calls on_text for the stretches of `text` without a token of `set`, in order, and on_token between them.
template <typename OnText, typename OnToken>
void cut(const AddedTokenSet& set, std::string_view text, const OnText& on_text, const OnToken& on_token) {
  size_t at = 0;
  while (const auto match = set.next(text, at)) {
    on_text(text.substr(at, match->begin - at));
    on_token(match->id);
    at = match->end;
  }
  on_text(text.substr(at));
}

}  // namespace

Tokenizer::Tokenizer(std::unique_ptr<const Tables> tables) : tables_(std::move(tables)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Result<Tokenizer> Tokenizer::from_json(std::string_view json_text) {
  FATHOM_ASSIGN_OR_RETURN(TokenizerParts parts, read_tokenizer_json(json_text));
  return Tokenizer(
      std::make_unique<const Tables>(Tables{.bpe = Bpe(std::move(parts.tokens), std::move(parts.merges)),
                                            .literal = std::move(parts.literal),
                                            .normalized = std::move(parts.normalized)}));
}

void Tokenizer::encode(std::string_view text, Special special, std::vector<int32_t>& ids) const {
  std::string repaired;
  if (!is_well_formed_utf8(text)) {
    append_well_formed(repaired, text);
    text = repaired;
  }
  BpeScratch scratch;
  const auto encode_plain = [&](std::string_view stretch) {
    PreTokenizer pieces(stretch);
    for (std::string_view piece = pieces.next(); !piece.empty(); piece = pieces.next()) {
      tables_->bpe.encode(piece, scratch, ids);
    }
  };
  if (special == Special::kOff) {
    encode_plain(text);
    return;
  }
  const auto append_id = [&ids](int32_t id) { ids.push_back(id); };
  const auto cut_normalized = [&](std::string_view stretch) {
    cut(tables_->normalized, stretch, encode_plain, append_id);
  };
  cut(tables_->literal, text, cut_normalized, append_id);
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, Special special) const {
  std::vector<int32_t> ids;
  encode(text, special, ids);
  return ids;
}

std::string_view Tokenizer::bytes(int32_t id) const noexcept {
  if (id < 0 || id >= size()) return {};
  return tables_->bpe.tokens().bytes(id);
}

std::string Tokenizer::decode_bytes(std::span<const int32_t> ids) const {
  std::string out;
  for (const int32_t id : ids) out.append(bytes(id));
  return out;
}

std::string Tokenizer::decode(std::span<const int32_t> ids) const {
  return to_well_formed(decode_bytes(ids));
}

std::optional<int32_t> Tokenizer::added_token(std::string_view text) const noexcept {
  const auto id = tables_->literal.find(text);
  return id ? id : tables_->normalized.find(text);
}

bool Tokenizer::is_added(int32_t id) const noexcept {
  return id >= 0 && id < size() && tables_->bpe.tokens().is_added(id);
}

int32_t Tokenizer::size() const noexcept { return tables_->bpe.tokens().size(); }

}  // namespace fathom

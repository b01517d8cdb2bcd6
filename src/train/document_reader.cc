// SPDX-License-Identifier: MIT
#include "train/document_reader.h"

#include <algorithm>
#include <optional>

#include "base/concat.h"
#include "io/directory.h"
#include "io/json.h"
#include "io/mapped_file.h"
#include "io/zstd.h"
#include "text/chat_codec.h"
#include "text/completion_prompt.h"
#include "text/utf8.h"

namespace fathom {
namespace {

enum class Kind : uint8_t { kText, kLines };

constexpr int64_t kMaxDecompressedBytes = int64_t{64} << 30;

// Which stretches of a rendered conversation the model writes itself.
class ReplyMask {
 public:
  // Whether the piece that comes next is predicted.
  bool covers(const Prompt::Piece& piece) noexcept {
    const Marker* marker = std::get_if<Marker>(&piece);
    if (in_reply_) {
      const bool at_start = std::exchange(at_start_, false);
      // The template opens or closes the reasoning; the model goes on from there.
      if (at_start && marker != nullptr &&
          (*marker == Marker::kThinkOpen || *marker == Marker::kThinkClose)) {
        return false;
      }
      if (marker != nullptr && *marker == Marker::kEos) in_reply_ = false;
      return true;
    }
    if (marker != nullptr && *marker == Marker::kAssistant) in_reply_ = at_start_ = true;
    return false;
  }

 private:
  bool in_reply_ = false;
  bool at_start_ = false;
};

Status add_piece(const Prompt::Piece& piece, bool predicted, const DocumentEncoding& encoding,
                 Document& out) {
  if (const auto* text = std::get_if<std::string>(&piece)) {
    encoding.tokenizer.encode(*text, Tokenizer::Special::kOff, out.ids);
    out.predicted.resize(out.ids.size(), predicted ? 1 : 0);
    return {};
  }
  const Marker marker = std::get<Marker>(piece);
  const std::optional<int32_t> id = encoding.markers.id(marker);
  if (!id) {
    return {StatusCode::kUnsupported,
            concat("tokenizer.json: expected the added token ", marker_text(marker), ", found none")};
  }
  out.add(*id, predicted ? 1 : 0);
  return {};
}

Result<Document> text_document(std::string_view text, const DocumentEncoding& encoding) {
  Document out;
  Prompt prompt = completion_prompt(text);
  prompt.add_marker(Marker::kEos);
  for (const Prompt::Piece& piece : prompt.pieces()) {
    FATHOM_RETURN_IF_ERROR(add_piece(piece, !out.ids.empty(), encoding, out));
  }
  return out;
}

Result<Document> conversation_document(const JsonValue& object, const DocumentEncoding& encoding) {
  FATHOM_ASSIGN_OR_RETURN(const Conversation conversation, read_conversation(object, encoding.dialect));
  FATHOM_ASSIGN_OR_RETURN(const Prompt prompt, encode_conversation(conversation, encoding.dialect));
  Document out;
  ReplyMask replies;
  for (const Prompt::Piece& piece : prompt.pieces()) {
    FATHOM_RETURN_IF_ERROR(add_piece(piece, replies.covers(piece), encoding, out));
  }
  if (std::find(out.predicted.begin(), out.predicted.end(), 1) == out.predicted.end()) {
    return Status(StatusCode::kInvalidArgument, "messages: expected a reply to learn, found none");
  }
  return out;
}

// Calls `use` with each line without its end, "\n" or "\r\n"; blank lines are skipped.
Status for_each_line(std::string_view text, const std::function<Status(std::string_view)>& use) {
  for (int64_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    Status status;
    if (static_cast<int64_t>(line.size()) > kMaxDocumentBytes) {
      status = {StatusCode::kInvalidArgument,
                concat("expected at most ", kMaxDocumentBytes, " bytes, found ", line.size())};
    } else {
      status = use(line);
    }
    if (!status.ok()) return status.in(concat("line ", number));
  }
  return {};
}

}  // namespace

Result<Document> document_of_line(std::string_view line, const DocumentEncoding& encoding) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue object, read_json(line));
  if (object.find("messages") != nullptr) return conversation_document(object, encoding);
  const JsonValue* text = object.find("text");
  if (text == nullptr || !text->is_string()) {
    return Status(StatusCode::kInvalidArgument,
                  "expected an object with messages or a string text, found neither");
  }
  return text_document(text->as_string(), encoding);
}

Status for_each_document(IoEnv& env, const std::string& path, const DocumentEncoding& encoding,
                         const std::function<Status(const Document&)>& use) {
  const bool compressed = path.ends_with(".zst");
  const std::string_view plain_name = std::string_view(path).substr(0, path.size() - (compressed ? 4 : 0));
  const bool lines = plain_name.ends_with(".jsonl");
  if (!lines && !plain_name.ends_with(".txt")) {
    return {
        StatusCode::kUnsupported,
        concat(path,
               ": expected a file of kind .txt or .jsonl, or one of these with .zst, found another name")};
  }
  FATHOM_ASSIGN_OR_RETURN(const File file, open_path(env, path));
  FATHOM_ASSIGN_OR_RETURN(const MappedFile mapping, MappedFile::map(file, path));
  std::string decompressed;
  std::string_view text(reinterpret_cast<const char*>(mapping.bytes().data()), mapping.bytes().size());
  if (compressed) {
    auto content = decompress_zstd(mapping.bytes(), kMaxDecompressedBytes);
    if (!content.ok()) return content.status().in(path);
    decompressed = std::move(content).value();
    text = decompressed;
  }
  const auto use_document = [&](Result<Document> document) -> Status {
    if (mapping.damaged()) return {StatusCode::kIo, "expected to read the whole file, found it cut short"};
    if (!document.ok()) return document.status();
    return use(*document);
  };
  if (!lines) return use_document(text_document(to_well_formed(text), encoding)).in(path);
  return for_each_line(text,
                       [&](std::string_view line) { return use_document(document_of_line(line, encoding)); })
      .in(path);
}

}  // namespace fathom

// SPDX-License-Identifier: MIT
// From files to training documents (training.md 10).
//
// A .txt file is one document. A line of a .jsonl file is one: {"text"}, all of it predicted, or a
// conversation in the encoder's form (chat.md 2: "messages", "thinking_mode", ...) of which the replies are
// predicted, each from the first token that the model itself would have written to its end of sentence.
// Either may be compressed (.zst). Documents begin with BOS and end with EOS.
#pragma once

#include <functional>
#include <string>

#include "base/status.h"
#include "io/io_env.h"
#include "text/chat_dialect.h"
#include "text/chat_markers.h"
#include "text/tokenizer.h"
#include "train/document.h"

namespace fathom {

struct DocumentEncoding {
  const Tokenizer& tokenizer;
  const MarkerIds& markers;  // of that tokenizer
  Dialect dialect = Dialect::kPreview;
};

// A line longer than this is refused rather than held.
inline constexpr int64_t kMaxDocumentBytes = int64_t{256} << 20;

// Calls `use` with each document of the file, in order. Errors name file and line: kInvalidArgument for a
// line that is no document, kCorrupt for broken JSON, UTF-8 or zstd, kUnsupported for another kind of file.
Status for_each_document(IoEnv& env, const std::string& path, const DocumentEncoding& encoding,
                         const std::function<Status(const Document&)>& use);

// One line of a .jsonl file.
Result<Document> document_of_line(std::string_view line, const DocumentEncoding& encoding);

}  // namespace fathom

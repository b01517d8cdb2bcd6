// SPDX-License-Identifier: MIT
#include "server/reply_memory.h"

#include <algorithm>
#include <utility>

#include "base/concat.h"
#include "io/json.h"

namespace fathom {
namespace {

constexpr std::chrono::hours kMaxAge{24};
constexpr std::chrono::minutes kSweepInterval{1};
constexpr int64_t kEntryOverhead = 512;  // lists, map node, strings' own bytes

std::string key_of(std::string_view tenant, std::string_view call_id) { return concat(tenant, '/', call_id); }

bool same_json(const JsonValue& a, const JsonValue& b);

bool same_members(const JsonValue& a, const JsonValue& b) {
  if (a.members().size() != b.members().size()) return false;
  return std::all_of(a.members().begin(), a.members().end(), [&](const JsonValue::Member& member) {
    const JsonValue* other = b.find(member.first);
    return other != nullptr && same_json(member.second, *other);
  });
}

bool same_number(const JsonValue& a, const JsonValue& b) {
  if (a.as_number_text() == b.as_number_text()) return true;
  const auto left = a.as_double();
  return left && left == b.as_double() && a.as_int64() == b.as_int64();
}

// As values: the order of keys and white space do not count. Nesting is bounded by the reader.
bool same_json(const JsonValue& a, const JsonValue& b) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case JsonValue::Kind::kNull: return true;
    case JsonValue::Kind::kBool: return a.as_bool() == b.as_bool();
    case JsonValue::Kind::kNumber: return same_number(a, b);
    case JsonValue::Kind::kString: return a.as_string() == b.as_string();
    case JsonValue::Kind::kArray:
      return std::equal(a.items().begin(), a.items().end(), b.items().begin(), b.items().end(), same_json);
    case JsonValue::Kind::kObject: return same_members(a, b);
  }
  return false;
}

bool same_arguments(const std::string& a, const std::string& b) {
  if (a == b) return true;
  const JsonReadOptions python{.leniency = JsonReadOptions::Leniency::kPython};
  const auto left = read_json(a, python);
  const auto right = read_json(b, python);
  return left.ok() && right.ok() && same_json(*left, *right);
}

int64_t bytes_of(const ReplyMessage& message, const std::vector<int32_t>& ids) {
  size_t bytes = ids.size() * sizeof(int32_t) + message.content.size() + message.reasoning.size();
  for (const ReplyCall& call : message.calls) bytes += call.name.size() + call.arguments.size() + 128;
  return static_cast<int64_t>(bytes) + kEntryOverhead;
}

}  // namespace

bool ReplyMemory::says_the_same(const Entry& entry, const ChatMessage& message, ThinkingMode mode) {
  if (entry.mode != mode || message.content != entry.message.content || message.without_eos) return false;
  if (!message.reasoning.empty() && message.reasoning != entry.message.reasoning) return false;
  if (message.tool_calls.size() != entry.call_ids.size()) return false;
  for (size_t i = 0; i < entry.call_ids.size(); ++i) {
    const ToolCall& call = message.tool_calls[i];
    const ReplyCall& made = entry.message.calls[i];
    if (call.id != entry.call_ids[i] || call.name != made.name ||
        !same_arguments(call.arguments, made.arguments))
      return false;
  }
  return true;
}

void ReplyMemory::remember(std::string_view tenant, ThinkingMode mode, const FinishedChoice& choice,
                           std::vector<int32_t> ids) {
  if (choice.call_ids.empty()) return;
  Entry entry{.key = key_of(tenant, choice.call_ids.front()),
              .mode = mode,
              .call_ids = choice.call_ids,
              .message = choice.message,
              .ids = std::move(ids),
              .when = now_()};
  entry.bytes = bytes_of(entry.message, entry.ids);
  const std::lock_guard lock(mu_);
  if (entry.bytes > max_bytes_) return;
  bytes_ += entry.bytes;
  entries_.push_front(std::move(entry));
  by_key_[entries_.front().key] = entries_.begin();
  drop_old_locked();
}

void ReplyMemory::restore(std::string_view tenant, Conversation& conversation) {
  const std::lock_guard lock(mu_);
  drop_old_locked();
  for (ChatMessage& message : conversation.messages) {
    if (message.role != Role::kAssistant || message.tool_calls.empty()) continue;
    const auto found = by_key_.find(key_of(tenant, message.tool_calls.front().id));
    if (found == by_key_.end() || !says_the_same(*found->second, message, conversation.thinking_mode))
      continue;
    message.sampled_ids = found->second->ids;
    entries_.splice(entries_.begin(), entries_, found->second);
  }
}

int64_t ReplyMemory::bytes() const {
  const std::lock_guard lock(mu_);
  return bytes_;
}

void ReplyMemory::drop_old_locked() {
  while (bytes_ > max_bytes_) erase_locked(std::prev(entries_.end()));
  const auto now = now_();
  if (now - swept_ < kSweepInterval) return;
  swept_ = now;
  const auto oldest = now - kMaxAge;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto next = std::next(entry);
    if (entry->when < oldest) erase_locked(entry);
    entry = next;
  }
}

void ReplyMemory::erase_locked(Entries::iterator entry) {
  bytes_ -= entry->bytes;
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

}  // namespace fathom

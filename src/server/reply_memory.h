// SPDX-License-Identifier: MIT
// ReplyMemory: the exact tokens of replies with calls, by key and call id (chat.md 9), so that a client that
// loses reasoning or rewrites JSON does not change the prompt.
//
// Invariants: an entry stands in only for a message that says the same; keys never share entries; bytes stay
// within the budget, least recently used first, nothing older than 24 h. Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "server/reply_writer.h"
#include "text/chat_message.h"

namespace fathom {

class ReplyMemory {
 public:
  using Clock = std::chrono::steady_clock;
  explicit ReplyMemory(int64_t max_bytes, Clock::time_point (*now)() = Clock::now)
      : max_bytes_(max_bytes), now_(now) {}

  // `ids`: the whole reply, from after the header to its last token.
  void remember(std::string_view tenant, ThinkingMode mode, const FinishedChoice& choice,
                std::vector<int32_t> ids);

  // Gives assistant messages with calls that were made here the tokens that the model produced.
  void restore(std::string_view tenant, Conversation& conversation);

  int64_t bytes() const;

 private:
  struct Entry {
    std::string key;  // tenant and first call id
    ThinkingMode mode;
    std::vector<std::string> call_ids;
    ReplyMessage message;
    std::vector<int32_t> ids;
    int64_t bytes = 0;
    Clock::time_point when;
  };
  using Entries = std::list<Entry>;  // most recently used first

  void drop_old_locked();
  void erase_locked(Entries::iterator entry);
  static bool says_the_same(const Entry& entry, const ChatMessage& message, ThinkingMode mode);

  const int64_t max_bytes_;
  Clock::time_point (*const now_)();

  mutable std::mutex mu_;
  // Guarded by mu_.
  Entries entries_;
  std::map<std::string, Entries::iterator, std::less<>> by_key_;
  int64_t bytes_ = 0;
  Clock::time_point swept_{};
};

}  // namespace fathom

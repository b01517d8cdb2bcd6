// SPDX-License-Identifier: MIT
#include "text/chat_codec.h"

#include "base/concat.h"
#include "text/chat_calls.h"
#include "text/chat_tools_block.h"
#include "text/chat_turns.h"

namespace fathom {
namespace {

class Encoder {
 public:
  explicit Encoder(const Conversation& conversation)
      : thinking_(conversation.thinking_mode == ThinkingMode::kThinking), list_(make_turns(conversation)) {
    if (conversation.bos == Bos::kYes) prompt_.add_marker(Marker::kBos);
  }

  Result<Prompt> encode(std::string_view effort) {
    for (int i = 0; i < size(); ++i) {
      if (i == 0 && thinking_) prompt_.add_text(effort);
      FATHOM_RETURN_IF_ERROR(add_body(i));
      FATHOM_RETURN_IF_ERROR(add_transition(i));
    }
    return std::move(prompt_);
  }

 private:
  enum class Header : uint8_t { kMayReason, kNoReasoning };

  int size() const noexcept { return static_cast<int>(list_.turns.size()); }
  const Turn& turn(int i) const noexcept { return list_.turns[static_cast<size_t>(i)]; }

  Status add_body(int i) {
    switch (turn(i).role) {
      case Role::kSystem: add_instruction(*turn(i).message); return {};
      case Role::kDeveloper: return add_developer(*turn(i).message);
      case Role::kUser: add_user(turn(i)); return {};
      case Role::kTool: return {};  // merged into user turns
      case Role::kLatestReminder:
        prompt_.add_marker(Marker::kLatestReminder);
        prompt_.add_text(turn(i).message->content);
        return {};
      case Role::kAssistant: add_assistant(i); return {};
    }
    return {};
  }

  void add_instruction(const ChatMessage& message) {
    prompt_.add_text(message.content);
    if (!message.tools.empty()) {
      prompt_.add_text("\n\n");
      add_tools_block(prompt_, message.tools);
    }
    if (!message.response_format.empty()) {
      prompt_.add_text("\n\n");
      add_format_block(prompt_, message.response_format);
    }
  }

  Status add_developer(const ChatMessage& message) {
    if (message.content.empty()) {
      return Status(StatusCode::kInvalidArgument,
                    "messages: developer content: expected text, found nothing");
    }
    prompt_.add_marker(Marker::kUser);
    add_instruction(message);
    return {};
  }

  void add_user(const Turn& user) {
    prompt_.add_marker(Marker::kUser);
    bool first = true;
    for (const TurnBlock& block : user.blocks) {
      if (!first) prompt_.add_text("\n\n");
      first = false;
      const bool result = block.kind == TurnBlock::Kind::kResult;
      if (result) prompt_.add_text("<tool_result>");
      prompt_.add_text(block.text);
      if (result) prompt_.add_text("</tool_result>");
    }
  }

  void add_assistant(int i) {
    const ChatMessage& message = *turn(i).message;
    const bool after_task = i > 0 && !turn(i - 1).task.empty();
    const bool with_reasoning = thinking_ && !after_task && list_.keeps_reply_reasoning(i);
    if (!message.sampled_ids.empty() && !after_task && with_reasoning == thinking_)
      return prompt_.add_sampled(message.sampled_ids);
    if (with_reasoning) {
      prompt_.add_text(message.reasoning);
      prompt_.add_marker(Marker::kThinkClose);
    }
    prompt_.add_text(message.content);
    add_calls(prompt_, message.tool_calls);
    if (!message.without_eos) prompt_.add_marker(Marker::kEos);
  }

  // What stands between a turn and a reply to it.
  Status add_transition(int i) {
    const bool last = i + 1 == size();
    if (!last && turn(i + 1).role != Role::kAssistant && turn(i + 1).role != Role::kLatestReminder) return {};
    if (!turn(i).task.empty()) return add_task(turn(i).task);
    if (turn(i).role != Role::kUser && turn(i).role != Role::kDeveloper) return {};
    add_header(list_.opens_reasoning(i) ? Header::kMayReason : Header::kNoReasoning);
    return {};
  }

  Status add_task(std::string_view task) {
    const std::optional<Marker> marker = marker_of_task(task);
    if (!marker) {
      return Status(StatusCode::kInvalidArgument,
                    concat("messages: task: expected a known task, found \"", task, '"'));
    }
    if (*marker == Marker::kAction) add_header(Header::kMayReason);
    prompt_.add_marker(*marker);
    return {};
  }

  void add_header(Header header) {
    prompt_.add_marker(Marker::kAssistant);
    prompt_.add_marker(thinking_ && header == Header::kMayReason ? Marker::kThinkOpen : Marker::kThinkClose);
  }

  const bool thinking_;
  const TurnList list_;
  Prompt prompt_;
};

}  // namespace

Result<Prompt> encode_conversation(const Conversation& conversation, Dialect dialect) {
  if (conversation.effort != Effort::kNone) {
    FATHOM_RETURN_IF_ERROR(effort_from_name(effort_name(conversation.effort), dialect).status());
  }
  return Encoder(conversation).encode(effort_text(conversation.effort, dialect));
}

}  // namespace fathom

// SPDX-License-Identifier: MIT
#include "apps/chat_slash.h"

#include <cstdlib>

#include "apps/chat_file.h"
#include "base/concat.h"

namespace fathom {
namespace {

constexpr ThinkLevel kThinkLevels[] = {ThinkLevel::kNone, ThinkLevel::kHigh, ThinkLevel::kMax};

constexpr std::string_view kHelp =
    "/think [none|high|max]  how much to think before a reply; alone: show it\n"
    "/system [TEXT]          set the system text; alone: show it; \"\" removes it\n"
    "/save FILE              keep the conversation as JSON\n"
    "/load FILE              take up a kept conversation in place of this one\n"
    "/reset                  forget the conversation, not system text and thinking\n"
    "/quit                   leave; Ctrl-D does too\n"
    "Ctrl-C stops a reply and keeps what came of it; once more leaves. At the\n"
    "prompt it drops the line. A line that ends in \\ goes on in the next one;\n"
    "Alt-Enter and pasted line breaks stay in the line. // sends a message that\n"
    "begins with /.";

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
}

// "~/" is the home directory, as in a shell.
std::string path_of(std::string_view argument) {
  const char* home = std::getenv("HOME");
  if (home == nullptr || !argument.starts_with("~/")) return std::string(argument);
  return concat(home, argument.substr(1));
}

Result<SlashReply> run_think(std::string_view argument, ChatSession& session) {
  if (!argument.empty()) {
    const std::optional<ThinkLevel> level = think_level_from_name(argument);
    if (!level) {
      return Status(StatusCode::kInvalidArgument,
                    concat("/think: expected none, high or max, found \"", argument, '"'));
    }
    session.set_think(*level);
  }
  return SlashReply{concat("thinking: ", think_level_name(session.think()))};
}

Result<SlashReply> run_system(std::string_view argument, ChatSession& session) {
  if (!argument.empty()) session.set_system(argument == "\"\"" ? std::string_view() : argument);
  const std::string_view text = session.system();
  return SlashReply{text.empty() ? "no system text" : concat("system text: ", text)};
}

Result<SlashReply> run_save(std::string_view argument, ChatSession& session) {
  const std::string path = path_of(argument);
  if (path.empty()) return Status(StatusCode::kInvalidArgument, "/save: expected a file name, found none");
  const Status status = save_conversation(system_io(), path, session.conversation());
  if (!status.ok()) return status.in("/save");
  return SlashReply{concat("saved ", session.conversation().messages.size(), " messages to ", path)};
}

Result<SlashReply> run_load(std::string_view argument, ChatSession& session) {
  const std::string path = path_of(argument);
  if (path.empty()) return Status(StatusCode::kInvalidArgument, "/load: expected a file name, found none");
  auto conversation = load_conversation(system_io(), path, session.dialect());
  if (!conversation.ok()) return conversation.status().in("/load");
  session.replace(*std::move(conversation));
  return SlashReply{concat("loaded ", session.conversation().messages.size(), " messages from ", path,
                           "; thinking: ", think_level_name(session.think()))};
}

Result<SlashReply> run_reset(std::string_view, ChatSession& session) {
  session.reset();
  return SlashReply{"the conversation starts anew"};
}

Result<SlashReply> run_help(std::string_view, ChatSession&) { return SlashReply{std::string(kHelp)}; }

Result<SlashReply> run_quit(std::string_view, ChatSession&) {
  return SlashReply{"", SlashReply::Next::kLeave};
}

struct SlashCommand {
  std::string_view name;
  Result<SlashReply> (*run)(std::string_view argument, ChatSession& session);
};

constexpr SlashCommand kCommands[] = {
    {"/help", run_help}, {"/think", run_think}, {"/system", run_system}, {"/save", run_save},
    {"/load", run_load}, {"/reset", run_reset}, {"/quit", run_quit},     {"/exit", run_quit},
};

}  // namespace

bool is_slash_command(std::string_view line) noexcept {
  return line.starts_with('/') && !line.starts_with("//");
}

Result<SlashReply> run_slash_command(std::string_view line, ChatSession& session) {
  const std::string_view text = trimmed(line);
  const std::string_view name = text.substr(0, text.find_first_of(" \t\n"));
  for (const SlashCommand& command : kCommands) {
    if (command.name == name) return command.run(trimmed(text.substr(name.size())), session);
  }
  return Status(StatusCode::kInvalidArgument,
                concat("expected a command, found ", name.substr(0, 100), ": /help lists them"));
}

std::string_view think_level_name(ThinkLevel level) noexcept {
  switch (level) {
    case ThinkLevel::kNone: return "none";
    case ThinkLevel::kHigh: return "high";
    case ThinkLevel::kMax: return "max";
  }
  return "";
}

std::optional<ThinkLevel> think_level_from_name(std::string_view name) noexcept {
  for (const ThinkLevel level : kThinkLevels) {
    if (think_level_name(level) == name) return level;
  }
  return std::nullopt;
}

}  // namespace fathom

// SPDX-License-Identifier: MIT
#include "apps/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/concat.h"
#include "io/directory.h"
#include "io/read_file.h"

namespace fathom {
namespace {

constexpr int64_t kMaxInputBytes = int64_t{1} << 40;

Status refused(std::string_view what) {
  return Status(StatusCode::kIo, concat(what, ": ", std::strerror(errno)));
}

}  // namespace

void hold_standard_descriptors() noexcept {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // The lowest free number is taken; reads and writes of an O_PATH descriptor fail as those of a closed one
    // do.
    if (::fcntl(descriptor, F_GETFD) < 0) ::open("/dev/null", O_PATH);
  }
}

Status write_stdout(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    return refused("standard output");
  }
  return Status();
}

Result<std::string> read_stdin() {
  std::string text;
  char buffer[1 << 16];
  for (size_t count = 0; (count = std::fread(buffer, 1, sizeof buffer, stdin)) > 0;)
    text.append(buffer, count);
  if (std::ferror(stdin) != 0) return refused("standard input");
  return text;
}

Status for_each_line(const std::function<Status(const std::string&)>& use) {
  std::string line;
  int64_t number = 0;
  const auto finish_line = [&]() -> Status {
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    const Status status = line.empty() ? Status() : use(line);
    line.clear();
    return status.in(concat("line ", number));
  };
  char buffer[1 << 16];
  for (size_t count = 0; (count = std::fread(buffer, 1, sizeof buffer, stdin)) > 0;) {
    std::string_view rest(buffer, count);
    for (size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      line.append(rest.substr(0, end));
      rest.remove_prefix(end + 1);
      FATHOM_RETURN_IF_ERROR(finish_line());
    }
    line.append(rest);
  }
  if (std::ferror(stdin) != 0) return refused("standard input");
  return line.empty() ? Status() : finish_line();
}

Result<std::string> read_input(const std::string& path) {
  if (path == "-") return read_stdin();
  FATHOM_ASSIGN_OR_RETURN(const File file, open_path(system_io(), path));
  return read_file(file, path, kMaxInputBytes);
}

Status write_output(const std::string& path, std::string_view bytes) {
  if (path == "-") return write_stdout(bytes);
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return refused(path);
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  const bool closed = std::fclose(file) == 0;
  return written && closed ? Status() : refused(path);
}

}  // namespace fathom

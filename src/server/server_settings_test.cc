// SPDX-License-Identifier: MIT
#include "server/server_settings.h"

#include <gtest/gtest.h>

#include "io/toml.h"

namespace fathom {
namespace {

std::optional<std::string> no_environment(const std::string&) { return std::nullopt; }

TEST(ServerSettings, FlagGoesBeforeEnvironmentBeforeFileBeforeDefault) {
  const auto environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "FATHOM_QUEUE" || name == "FATHOM_PORT") return "2";
    return std::nullopt;
  };
  const auto file = read_toml("port = 3\nqueue = 3\nper-key = 3\n");
  ASSERT_TRUE(file.ok());
  const auto resolved = resolve_settings({{"port", {"1"}}}, environment, &*file);
  ASSERT_TRUE(resolved.ok()) << resolved.status().message();
  EXPECT_EQ(resolved->options.http.port, 1);
  EXPECT_EQ(resolved->options.queue, 2);
  EXPECT_EQ(resolved->options.per_key, 3);
  EXPECT_EQ(resolved->options.caps.messages, 4096);
}

// reliability.md 3: the defaults of the table are the caps of the document.
TEST(ServerSettings, DefaultsAreTheDocumentedCaps) {
  const auto resolved = resolve_settings({}, no_environment, nullptr);
  ASSERT_TRUE(resolved.ok()) << resolved.status().message();
  const ServerOptions& options = resolved->options;
  const ConnectionOptions& connection = options.http.connection;
  EXPECT_EQ(connection.limits.head_bytes, 16U << 10);
  EXPECT_EQ(connection.limits.headers, 100U);
  EXPECT_EQ(connection.limits.target_bytes, 8U << 10);
  EXPECT_EQ(options.max_body_bytes, 32U << 20);
  EXPECT_EQ(connection.head_time, std::chrono::seconds(10));
  EXPECT_EQ(connection.body_time, std::chrono::seconds(60));
  EXPECT_EQ(connection.idle_time, std::chrono::seconds(75));
  EXPECT_EQ(connection.write_stall_time, std::chrono::seconds(30));
  EXPECT_EQ(connection.max_unsent_bytes, 1U << 20);
  EXPECT_EQ(options.http.max_connections, 4096);
  EXPECT_EQ(options.queue, 256);
  EXPECT_EQ(options.per_key, 32);
  EXPECT_EQ(options.drain_s, 30.0);
  EXPECT_EQ(options.caps.json_nodes, 1'000'000);
  EXPECT_EQ(options.http.host, "127.0.0.1");
}

TEST(ServerSettings, TheListingReadsBackAsTheSameSettings) {
  const auto first =
      resolve_settings({{"alias", {"a", "claude-*"}}, {"max-body", {"1MiB"}}, {"metrics-public", {"true"}}},
                       no_environment, nullptr);
  ASSERT_TRUE(first.ok());
  const auto file = read_toml(first->listing);
  ASSERT_TRUE(file.ok()) << file.status().message();
  const auto second = resolve_settings({}, no_environment, &*file);
  ASSERT_TRUE(second.ok()) << second.status().message();
  EXPECT_EQ(second->options.aliases, (std::vector<std::string>{"a", "claude-*"}));
  EXPECT_EQ(second->options.max_body_bytes, 1U << 20);
  EXPECT_TRUE(second->options.metrics_public);
}

TEST(ServerSettings, WrongValuesNameTheSetting) {
  for (const auto& [name, text] : {std::pair{"port", "65536"},
                                   {"port", "x"},
                                   {"port", ""},
                                   {"max-body", "lots"},
                                   {"drain", "0"},
                                   {"drain", "nan"},
                                   {"metrics-public", "maybe"}}) {
    const auto resolved = resolve_settings({{name, {text}}}, no_environment, nullptr);
    ASSERT_FALSE(resolved.ok()) << name << '=' << text;
    EXPECT_TRUE(resolved.status().message().starts_with(std::string("--") + name));
  }
  const auto file = read_toml("prot = 1\n");
  EXPECT_FALSE(resolve_settings({}, no_environment, &*file).ok()) << "a misspelt key must not pass unnoticed";
}

}  // namespace
}  // namespace fathom

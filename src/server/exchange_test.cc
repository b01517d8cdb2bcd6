// SPDX-License-Identifier: MIT
#include "server/exchange.h"

#include <gtest/gtest.h>

#include <thread>

namespace fathom {
namespace {

using std::chrono::milliseconds;

// An exchange of a POST whose reports and wakes are counted.
struct Watched {
  explicit Watched(int minor_version = 1, uint64_t max_unsent = 1 << 20,
                   Exchange::Clock::duration keep_alive = std::chrono::hours(1)) {
    RequestFacts facts;
    facts.route = &route;
    facts.id = "req_test";
    facts.head.method = "POST";
    facts.head.minor_version = minor_version;
    facts.common_headers = "x-request-id: req_test\r\n";
    exchange = std::make_unique<Exchange>(
        std::move(facts), Exchange::Options{.max_unsent_bytes = max_unsent,
                                            .keep_alive = keep_alive,
                                            .on_report =
                                                [this](const Exchange&, const ExchangeReport& r) {
                                                  ++reports;
                                                  report = r;
                                                },
                                            .wake = [this] { ++wakes; }});
  }

  Route route;
  std::atomic<int> wakes{0};
  std::atomic<int> reports{0};
  ExchangeReport report;
  std::unique_ptr<Exchange> exchange;
};

HttpResponse text_response(std::string body) {
  HttpResponse response;
  response.body = std::move(body);
  return response;
}

TEST(Exchange, AReplyIsBegunAndEndedOnce) {
  Watched w;
  w.exchange->respond(text_response("one"));
  w.exchange->respond(text_response("two"));
  w.exchange->fail({ErrorCode::kInternalError, "three", "", 0});
  EXPECT_FALSE(w.exchange->send_events("data: four\n\n"));
  const Exchange::Taken taken = w.exchange->take();
  EXPECT_TRUE(taken.ended);
  EXPECT_EQ(taken.bytes,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-request-id: req_test\r\nContent-Length: "
            "3\r\n\r\none");
  EXPECT_EQ(w.reports, 1);
}

TEST(Exchange, EventsAreChunksInHttp11) {
  Watched w;
  EXPECT_TRUE(w.exchange->send_events("data: a\n\n"));
  EXPECT_TRUE(w.exchange->send_events(""));
  EXPECT_TRUE(w.exchange->send_events("data: bcdefghi\n\n"));
  w.exchange->end_events(AfterReply::kKeepAlive);
  const Exchange::Taken taken = w.exchange->take();
  EXPECT_TRUE(taken.bytes.ends_with("\r\n\r\n9\r\ndata: a\n\n\r\n10\r\ndata: bcdefghi\n\n\r\n0\r\n\r\n"))
      << taken.bytes;
  EXPECT_NE(taken.bytes.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
  EXPECT_EQ(taken.after, AfterReply::kKeepAlive);
}

TEST(Exchange, EventsEndWithTheConnectionInHttp10) {
  Watched w(0);
  w.exchange->send_events("data: a\n\n");
  w.exchange->end_events(AfterReply::kKeepAlive);
  const Exchange::Taken taken = w.exchange->take();
  EXPECT_TRUE(taken.bytes.ends_with("\r\n\r\ndata: a\n\n"));
  EXPECT_EQ(taken.after, AfterReply::kClose);
}

TEST(Exchange, AnErrorIsAReplyUntilEventsHaveBegun) {
  Watched w;
  w.exchange->expect_events(": keep-alive\n\n");
  EXPECT_FALSE(w.exchange->events_begun());
  w.exchange->fail({ErrorCode::kQueueTimeout, "waited too long", "", 5});
  const std::string bytes = w.exchange->take().bytes;
  EXPECT_TRUE(bytes.starts_with("HTTP/1.1 503 "));
  EXPECT_NE(bytes.find("Retry-After: 5\r\n"), std::string::npos);
}

// reliability.md S-9: at the cap, one byte more.
TEST(Exchange, UnsentBytesNeverPassTheCap) {
  Watched w(0, 1000);
  bool gone = false;
  w.exchange->on_gone([&] { gone = true; });
  w.exchange->send_events("x");
  w.exchange->wrote_all();
  const size_t head = w.exchange->take().bytes.size();
  w.exchange->wrote_all();
  ASSERT_LT(head, 1000U);
  EXPECT_TRUE(w.exchange->send_events(std::string(600, 'a')));
  EXPECT_EQ(w.exchange->take().bytes.size(), 600U);  // on its way, not arrived
  EXPECT_TRUE(w.exchange->send_events(std::string(400, 'b')));
  EXPECT_FALSE(gone);
  EXPECT_FALSE(w.exchange->send_events("c"));
  EXPECT_TRUE(gone);
  EXPECT_TRUE(w.exchange->take().dropped);
}

TEST(Exchange, WhoeverWaitsHearsOnceThatTheClientHasGone) {
  Watched w;
  int heard = 0;
  w.exchange->on_gone([&] { ++heard; });
  w.exchange->client_gone();
  w.exchange->client_gone();
  EXPECT_EQ(heard, 1);
  w.exchange->on_gone([&] { ++heard; });
  EXPECT_EQ(heard, 2) << "at once, when it is gone already";
  w.exchange->respond(text_response("late"));
  EXPECT_EQ(w.exchange->take().bytes, "");
  EXPECT_TRUE(w.report.client_gone);
  EXPECT_EQ(w.reports, 1);
}

TEST(Exchange, AClientThatGoesAfterTheEndIsNotGone) {
  Watched w;
  int heard = 0;
  w.exchange->on_gone([&] { ++heard; });
  w.exchange->respond(text_response("done"));
  w.exchange->client_gone();
  EXPECT_EQ(heard, 0);
  EXPECT_FALSE(w.report.client_gone);
  EXPECT_TRUE(w.exchange->take().bytes.ends_with("done")) << "a half-closed client still gets its reply";
}

TEST(Exchange, SilenceIsFilledOnlyWhereEventsAreExpected) {
  Watched w(1, 1 << 20, milliseconds(0));
  EXPECT_EQ(w.exchange->next_keep_alive(), Exchange::Clock::time_point::max());
  w.exchange->keep_alive();
  EXPECT_EQ(w.exchange->take().bytes, "");
  const int wakes = w.wakes;
  w.exchange->expect_events(": keep-alive\n\n");
  EXPECT_GT(w.wakes, wakes) << "the connection must look at its clock anew";
  w.exchange->keep_alive();
  EXPECT_TRUE(w.exchange->take().bytes.ends_with(": keep-alive\n\n\r\n"));
  w.exchange->end_events(AfterReply::kKeepAlive);
  EXPECT_EQ(w.exchange->next_keep_alive(), Exchange::Clock::time_point::max());
}

// One thread writes, one takes, one goes away: as engine, I/O thread and client do.
TEST(Exchange, ThreadsMayWriteTakeAndLeaveAtOnce) {
  for (int round = 0; round < 50; ++round) {
    Watched w(1, 4096);
    w.exchange->on_gone([] {});
    std::thread writer([&] {
      for (int i = 0; i < 200 && w.exchange->send_events("data: x\n\n"); ++i) {
      }
      w.exchange->end_events(AfterReply::kKeepAlive);
    });
    std::thread taker([&] {
      for (int i = 0; i < 100; ++i) {
        const Exchange::Taken taken = w.exchange->take();
        w.exchange->wrote_all();
        if (taken.ended || taken.dropped) break;
        w.exchange->keep_alive();
      }
      w.exchange->client_gone();
    });
    writer.join();
    taker.join();
    EXPECT_EQ(w.reports, 1);
  }
}

}  // namespace
}  // namespace fathom

#pragma once
// /metrics: what Prometheus reads, in its text format. On the control thread; the cores are not
// asked, their counters are read.
//
// Every metric is one family here, with the help text that MANUAL.md repeats. Labels have few
// values: names of nodes, and words of enums.

#include "proxy/admin_api.hpp"
#include "proxy/counters.hpp"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace boshgate::proxy {

// Writes families in the text format, version 0.0.4: HELP and TYPE once, then the samples.
class metrics_writer {
  public:
    using label = std::pair<std::string_view, std::string_view>;
    using labels = std::initializer_list<label>;

    // `type`: counter, gauge, histogram. The samples that follow belong to it.
    void family(std::string_view name, std::string_view type, std::string_view help);
    void sample(std::uint64_t value, labels with = {}) { write({}, with, std::to_string(value)); }
    void sample(std::int64_t value, labels with = {}) { write({}, with, std::to_string(value)); }
    // A time in seconds.
    void seconds(double value, labels with = {});
    // Buckets, sum and count of durations that several cores have counted.
    void histogram(const std::vector<const durations*>& all, labels with = {});

    [[nodiscard]] std::string take() { return std::move(out_); }

  private:
    void write(std::string_view suffix, labels with, const std::string& value,
               std::string_view bucket = {});

    std::string out_;
    std::string name_;
};

// metrics_text is the whole answer.
[[nodiscard]] std::string metrics_text(const admin_subject& of);

} // namespace boshgate::proxy

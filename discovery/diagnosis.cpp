#include "discovery/diagnosis.hpp"

#include "conf/print.hpp"

#include <algorithm>
#include <array>

namespace boshgate::discovery {
namespace {

constexpr std::size_t columns = 80;
constexpr std::size_t verdict_width = 9; // "warning" and two blanks
constexpr std::size_t margin = 2;        // of findings
constexpr std::size_t yaml_indent = 13;

// Appends words at a column, and breaks lines before the right edge.
class paragraph {
  public:
    paragraph(std::string& out, std::size_t indent, std::size_t at)
        : out_(out), indent_(indent), at_(at) {}

    void add(std::string_view text) {
        while (!text.empty()) {
            const auto end = std::min(text.find(' '), text.size());
            word(text.substr(0, end));
            text.remove_prefix(std::min(end + 1, text.size()));
        }
    }

  private:
    void word(std::string_view one) {
        if (begun_ && at_ + 1 + one.size() > columns) {
            out_.append("\n").append(indent_, ' ');
            at_ = indent_;
        } else if (begun_) {
            out_ += ' ';
            ++at_;
        }
        out_.append(one);
        at_ += one.size();
        begun_ = true;
    }

    std::string& out_;
    std::size_t indent_;
    std::size_t at_;
    bool begun_ = false;
};

std::string padded(std::string_view text, std::size_t width) {
    std::string out(text);
    out.append(width - std::min(width, text.size()), ' ');
    return out;
}

std::string_view colour_of(verdict how) noexcept {
    constexpr std::array<std::string_view, 3> codes{"\x1b[32m", "\x1b[33m", "\x1b[1;31m"};
    return codes[static_cast<std::size_t>(how)];
}

constexpr std::string_view bold = "\x1b[1m";
constexpr std::string_view plain = "\x1b[0m";

void print_finding(std::string& out, const finding& one, std::size_t check_width, bool colours) {
    out.append(margin, ' ');
    if (colours) {
        out.append(colour_of(one.how));
    }
    out.append(name_of(one.how));
    if (colours) {
        out.append(plain);
    }
    out.append(verdict_width - name_of(one.how).size(), ' ');
    out.append(padded(one.check, check_width + 2));
    const std::size_t column = margin + verdict_width + check_width + 2;
    paragraph(out, column, column).add(one.what);
    out += '\n';
    if (!one.mend.empty()) {
        constexpr std::size_t indent = margin + verdict_width;
        out.append(indent, ' ');
        paragraph(out, indent, indent).add("mend: " + one.mend + (one.yaml.empty() ? "" : ":"));
        out += '\n';
    }
    std::string_view rest = one.yaml;
    while (!rest.empty()) {
        const auto end = std::min(rest.find('\n'), rest.size());
        out.append(yaml_indent, ' ').append(rest.substr(0, end)).append("\n");
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
}

void print_summary(std::string& out, const std::vector<diagnosis>& all) {
    std::int64_t nodes = 0;
    std::array<std::int64_t, 3> counts{};
    for (const diagnosis& one : all) {
        nodes += one.kind == "node" ? 1 : 0;
        for (const finding& found : one.findings) {
            ++counts[static_cast<std::size_t>(found.how)];
        }
    }
    out += nodes == 0 ? "" : counted(nodes, "node") + ": ";
    if (counts[1] == 0 && counts[2] == 0) {
        out += "all in order\n";
        return;
    }
    out += counts[2] == 0 ? "nothing wrong" : std::to_string(counts[2]) + " wrong";
    out += (counts[1] == 0 ? "" : ", " + counted(counts[1], "warning")) + "\n";
}

} // namespace

verdict worst(const std::vector<finding>& findings) noexcept {
    verdict found = verdict::ok;
    for (const finding& one : findings) {
        found = std::max(found, one.how);
    }
    return found;
}

verdict worst(const std::vector<diagnosis>& all) noexcept {
    verdict found = verdict::ok;
    for (const diagnosis& one : all) {
        found = std::max(found, worst(one.findings));
    }
    return found;
}

std::string_view name_of(verdict how) noexcept {
    constexpr std::array<std::string_view, 3> names{"ok", "warning", "wrong"};
    return names[static_cast<std::size_t>(how)];
}

std::string print(const std::vector<diagnosis>& all, bool colours) {
    std::size_t check_width = 0;
    for (const diagnosis& one : all) {
        for (const finding& found : one.findings) {
            check_width = std::max(check_width, found.check.size());
        }
    }
    std::string out;
    for (const diagnosis& one : all) {
        out += (colours ? std::string(bold) : "") + one.name + (colours ? std::string(plain) : "");
        out += (one.about.empty() ? "" : "  " + one.about) + "\n";
        for (const finding& found : one.findings) {
            print_finding(out, found, check_width, colours);
        }
        out += '\n';
    }
    print_summary(out, all);
    return out;
}

std::string counted(std::int64_t count, std::string_view noun) {
    return std::to_string(count) + ' ' + std::string(noun) + (count == 1 ? "" : "s");
}

std::string yaml_of(const conf::node& node) {
    conf::config only;
    only.nodes.push_back(node);
    const std::string text = conf::to_yaml(only);
    const std::size_t heading = text.find('\n');
    return heading == std::string::npos ? "" : text.substr(heading + 1);
}

} // namespace boshgate::discovery

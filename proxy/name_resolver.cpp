#include "proxy/name_resolver.hpp"

#include "proxy/core.hpp"
#include "proxy/log.hpp"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include <netdb.h>
#include <netinet/in.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace boshgate::proxy {
namespace {

using discovery::address_event;
using discovery::node_addresses;
using routing::ip_address;
using steady = std::chrono::steady_clock;

std::string printed(const std::vector<ip_address>& addresses) {
    std::string text;
    std::array<char, 46> buffer;
    for (const ip_address& one : addresses)
        text.append(text.empty() ? "" : ", ").append(one.print(buffer));
    return text;
}

// The threads that block. They share this with the resolver and may outlive it.
class look_up_pool : public std::enable_shared_from_this<look_up_pool> {
  public:
    using done = std::function<void(looked_up)>;

    explicit look_up_pool(name_resolver::look_up how) : how_(std::move(how)) {}

    // `then` is called on the pool's thread, or here when the system gives us no thread at all. The
    // first jobs start the threads: a configuration of numeric addresses needs none.
    void add(std::string host, done then) {
        std::unique_lock lock(mutex_);
        if (waiting_ <= jobs_.size() && started_ < name_resolver::threads && !start() &&
            started_ == 0) {
            lock.unlock();
            then({{}, "the system gives no thread for the look-up"});
            return;
        }
        jobs_.push_back({std::move(host), std::move(then)});
        wake_.notify_one();
    }

    // What is queued and not begun is not wanted any more.
    void forget() {
        const std::lock_guard lock(mutex_);
        jobs_.clear();
    }

    void stop() {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        jobs_.clear();
        wake_.notify_all();
    }

  private:
    struct job {
        std::string host;
        done then;
    };

    bool start() {
        try {
            // Detached: nobody can call back a thread that is inside getaddrinfo.
            std::thread([self = shared_from_this()] { self->run(); }).detach();
        } catch (const std::system_error&) {
            return false;
        }
        ++started_;
        return true;
    }

    void run() {
        std::unique_lock lock(mutex_);
        for (;;) {
            ++waiting_;
            wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
            --waiting_;
            if (stopping_)
                return;
            const job mine = std::move(jobs_.front());
            jobs_.pop_front();
            lock.unlock();
            mine.then(how_(mine.host));
            lock.lock();
        }
    }

    const name_resolver::look_up how_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<job> jobs_; // each node at most once
    std::size_t waiting_ = 0;
    std::size_t started_ = 0;
    bool stopping_ = false;
};

// The way back from a pool's thread to the control thread, which may be gone by then.
struct way_back {
    std::mutex mutex;
    boost::asio::io_context* context = nullptr; // guarded by mutex; nullptr: nobody is listening
};

} // namespace

socket_address with_port(const ip_address& address, std::uint16_t port) {
    socket_address out;
    if (address.is_v4()) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        std::memcpy(&v4.sin_addr, address.bytes.data() + 12, 4);
        std::memcpy(&out.storage, &v4, sizeof v4);
        out.size = sizeof v4;
    } else {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        std::memcpy(&v6.sin6_addr, address.bytes.data(), address.bytes.size());
        std::memcpy(&out.storage, &v6, sizeof v6);
        out.size = sizeof v6;
    }
    return out;
}

looked_up system_look_up(const std::string& host) {
    addrinfo wanted{};
    wanted.ai_family = AF_UNSPEC;
    wanted.ai_socktype = SOCK_STREAM; // else each address comes once for each kind of socket
    addrinfo* list = nullptr;
    // Not AI_ADDRCONFIG: it hides addresses on hosts that have nothing but loopback. getaddrinfo
    // sorts those without a route behind the others anyway (RFC 6724 5, rule 1).
    const int result = ::getaddrinfo(host.c_str(), nullptr, &wanted, &list);
    looked_up out;
    if (result != 0) {
        out.error = result == EAI_SYSTEM ? std::generic_category().message(errno)
                                         : std::string(::gai_strerror(result));
        return out;
    }
    for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
        if (one->ai_family == AF_INET) {
            sockaddr_in v4{};
            std::memcpy(&v4, one->ai_addr, sizeof v4);
            out.addresses.push_back(ip_address::v4(ntohl(v4.sin_addr.s_addr)));
        } else if (one->ai_family == AF_INET6) {
            sockaddr_in6 v6{};
            std::memcpy(&v6, one->ai_addr, sizeof v6);
            ip_address address;
            std::memcpy(address.bytes.data(), &v6.sin6_addr, address.bytes.size());
            out.addresses.push_back(address);
        }
    }
    ::freeaddrinfo(list);
    return out;
}

struct name_resolver::state : std::enable_shared_from_this<name_resolver::state> {
    state(boost::asio::io_context& context, listener call, look_up how)
        : timer(context),
          changed(std::move(call)),
          pool(std::make_shared<look_up_pool>(std::move(how))),
          back(std::make_shared<way_back>()) {
        back->context = &context;
    }

    struct entry {
        watched node;
        node_addresses addresses;
        bool answered = false;
    };

    void tell(std::size_t which);
    void start_due();
    void look(std::size_t which);
    void on_result(std::uint64_t of_list, std::size_t which, const looked_up& result);
    void schedule();

    // The control thread's.
    boost::asio::basic_waitable_timer<steady, boost::asio::wait_traits<steady>,
                                      boost::asio::io_context::executor_type>
        timer;
    listener changed;
    std::vector<entry> entries;
    std::map<std::string, std::vector<ip_address>> ahead; // by host: look_ahead, for the next watch
    std::uint64_t list = 0; // counts watch(): results of an older list are dropped

    std::shared_ptr<look_up_pool> pool;
    std::shared_ptr<way_back> back;
};

void name_resolver::state::tell(std::size_t which) {
    const entry& one = entries[which];
    std::vector<socket_address> addresses;
    for (const ip_address& address : one.addresses.addresses())
        addresses.push_back(with_port(address, one.node.port));
    changed(static_cast<routing::node_index>(which), addresses, one.addresses.because());
}

void name_resolver::state::start_due() {
    const auto now = steady::now();
    for (std::size_t i = 0; i < entries.size(); ++i)
        if (const auto due = entries[i].addresses.due_at(); due && *due <= now)
            look(i);
    schedule();
}

void name_resolver::state::look(std::size_t which) {
    entries[which].addresses.on_started();
    pool->add(entries[which].node.host,
              [way = back, self = weak_from_this(), of_list = list, which](looked_up result) {
                  const std::lock_guard lock(way->mutex);
                  if (way->context == nullptr)
                      return;
                  boost::asio::post(way->context->get_executor(),
                                    [self, of_list, which, found = std::move(result)] {
                                        if (const auto alive = self.lock())
                                            alive->on_result(of_list, which, found);
                                    });
              });
}

void name_resolver::state::on_result(std::uint64_t of_list, std::size_t which,
                                     const looked_up& result) {
    if (of_list != list)
        return;
    entry& one = entries[which];
    const auto now = steady::now();
    const address_event event = result.error.empty()
                                    ? one.addresses.on_resolved(result.addresses, now)
                                    : one.addresses.on_failed(result.error, now);
    const bool first = !std::exchange(one.answered, true);
    const std::string who = "node " + one.node.name + ": " + one.node.host;
    switch (event) {
    case address_event::changed:
        log_info(who + " is at " + printed(one.addresses.addresses()));
        tell(which);
        break;
    case address_event::failed:
        log_warning(who + " does not resolve: " + one.addresses.because() +
                    (one.addresses.addresses().empty()
                         ? ""
                         : "; still used: " + printed(one.addresses.addresses())));
        if (first)
            tell(which); // why there is no address
        break;
    case address_event::recovered:
        log_info(who + " resolves again");
        break;
    case address_event::same:
    case address_event::failing:
        break;
    }
    schedule();
}

void name_resolver::state::schedule() {
    std::optional<discovery::time_point> next;
    for (const entry& one : entries)
        if (const auto due = one.addresses.due_at(); due && (!next || *due < *next))
            next = due;
    if (!next) {
        timer.cancel();
        return;
    }
    timer.expires_at(*next); // cancels the wait before
    timer.async_wait([self = weak_from_this()](const boost::system::error_code& error) {
        const auto alive = self.lock();
        if (!error && alive)
            alive->start_due();
    });
}

name_resolver::name_resolver(boost::asio::io_context& context, listener changed, look_up how)
    : state_(std::make_shared<state>(context, std::move(changed), std::move(how))) {}

name_resolver::~name_resolver() {
    state_->pool->stop();
    const std::lock_guard lock(state_->back->mutex);
    state_->back->context = nullptr;
}

void name_resolver::watch(const std::vector<watched>& nodes, std::chrono::milliseconds interval) {
    std::map<std::string, node_addresses> known;
    for (const state::entry& one : state_->entries)
        known.insert_or_assign(one.node.host, one.addresses);
    for (const auto& [host, found] : std::exchange(state_->ahead, {})) {
        node_addresses fresh(host, interval);
        static_cast<void>(fresh.on_resolved(found, steady::now()));
        known.try_emplace(host, std::move(fresh));
    }
    ++state_->list;
    state_->pool->forget();
    state_->entries.clear();
    for (const watched& node : nodes) {
        state::entry fresh{node, node_addresses(node.host, interval)};
        // What was known of the same name before stays until it is looked up anew, which is now.
        if (const auto old = known.find(node.host); old != known.end())
            fresh.addresses.keep(old->second);
        const bool told = !fresh.addresses.addresses().empty();
        fresh.answered = told || node.host.empty();
        if (node.host.empty())
            fresh.addresses.on_started(); // and never again
        state_->entries.push_back(std::move(fresh));
        if (told)
            state_->tell(state_->entries.size() - 1);
    }
    state_->start_due();
}

void name_resolver::look_ahead(const std::vector<watched>& nodes,
                               std::chrono::milliseconds patience) {
    // The threads may still be at it when nobody waits any more.
    struct question {
        std::mutex mutex;
        std::condition_variable answered;
        std::map<std::string, looked_up> found; // guarded by mutex
    };
    const auto asked = std::make_shared<question>();
    std::set<std::string> hosts;
    for (const watched& node : nodes) {
        const bool known =
            std::any_of(state_->entries.begin(), state_->entries.end(),
                        [&](const state::entry& one) { return one.node.host == node.host; });
        if (!known && !node.host.empty() && node_addresses(node.host, patience).due_at())
            hosts.insert(node.host);
    }
    for (const std::string& host : hosts)
        state_->pool->add(host, [asked, host](looked_up result) {
            const std::lock_guard lock(asked->mutex);
            asked->found.emplace(host, std::move(result));
            asked->answered.notify_one();
        });
    std::unique_lock lock(asked->mutex);
    static_cast<void>(asked->answered.wait_for(
        lock, patience, [&] { return asked->found.size() == hosts.size(); }));
    for (auto& [host, result] : asked->found)
        if (result.error.empty())
            state_->ahead.insert_or_assign(host, std::move(result.addresses));
}

std::size_t name_resolver::unanswered() const noexcept {
    return static_cast<std::size_t>(
        std::count_if(state_->entries.begin(), state_->entries.end(),
                      [](const state::entry& one) { return !one.answered; }));
}

} // namespace boshgate::proxy

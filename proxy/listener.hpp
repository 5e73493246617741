#pragma once
// A listening socket of one core. Every core has its own for each configured address
// (SO_REUSEPORT), so that the kernel spreads the connections and no core ever hands one over.

#include "proxy/event_loop.hpp"
#include "proxy/timer_wheel.hpp"

#include <cstdint>
#include <string>

namespace boshgate::conf {
struct listener;
}

namespace boshgate::proxy {

struct core;

// open_listener binds and listens. -1 and a sentence in `problem` when that fails. `port` 0 in the
// settings lets the system choose; pass the chosen one for the other cores. `alone`: first make
// sure that nobody else listens there, because SO_REUSEPORT would share the port with another
// process of this user in silence.
[[nodiscard]] int open_listener(const conf::listener& settings, std::uint16_t port, bool alone,
                                std::string& problem);

// port_of returns the port that a listening descriptor is bound to.
[[nodiscard]] std::uint16_t port_of(int descriptor) noexcept;

class listener final : public ready_handler, public timed {
  public:
    // Adopts the descriptor. `index` is the listener's place in the configuration.
    listener(core& home, std::size_t index, int descriptor);
    ~listener() override;

    void on_ready(std::uint32_t events) override;
    void on_deadline() override; // a pause is over

    // stop closes the descriptor: draining. end does so when those who are in its queue already
    // have been let in.
    void stop();
    void end();

    [[nodiscard]] bool stopped() const noexcept { return descriptor_ < 0; }
    [[nodiscard]] std::size_t index() const noexcept { return index_; }
    void set_index(std::size_t index) noexcept { index_ = index; }

  private:
    void pause(std::string_view because);

    core& core_;
    std::size_t index_;
    int descriptor_;
    bool paused_ = false;
    bool short_ = false; // somebody waits since the first pause; said once, not once a pause
};

} // namespace boshgate::proxy

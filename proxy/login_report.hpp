#pragma once
// How a login went, for people and programs: `boshgate discover`, and the look-up of the admin
// listener.

#include "discovery/login.hpp"
#include "proxy/login_driver.hpp"
#include "routing/bare_jid.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

namespace boshgate::proxy {

struct login_report {
    std::vector<discovery::login_step> steps;
    std::map<routing::node_index, routing::reason> unanswered; // why a node gave no answer
    // Which names it gave that are no nodes here.
    std::map<routing::node_index, std::set<std::string>> unknown;
    discovery::login_homes homes;
    routing::node_index opened = discovery::no_node; // where the session would be
    discovery::login_failure failure = discovery::login_failure::none;
};

// to_json is what MANUAL.md, chapter 15, describes.
[[nodiscard]] boost::json::object to_json(const snapshot& settings, const routing::bare_jid& user,
                                          const login_report& found);

// Gathers a report. on_report is called once, on the login's core. A session that was opened is for
// on_opened to end; it is called before.
class login_reporter : public login_owner {
  public:
    void on_session(const login_session& opened) final;
    void on_homes(const discovery::login& done) final;
    void on_no_login(const discovery::login& done, discovery::login_failure why,
                     std::string_view refusal) final;
    void on_step_failed(routing::node_index node, routing::reason why) final;
    void on_unknown_name(routing::node_index said_by, std::string_view name) final;

  protected:
    virtual void on_opened(const login_session& /*opened*/) {}
    virtual void on_report(login_report found) = 0;

  private:
    void take(const discovery::login& done);

    login_report report_;
};

} // namespace boshgate::proxy

%% Evaluated in ejabberd after its start: gives it the accounts and rosters of accounts/ejabberd.terms,
%% then says so in the file that tests/lab/lab waits for. Safe to repeat: a restarted node has them already.

Domain = list_to_binary(os:getenv("LAB_DOMAIN")).
{ok, Accounts} = file:consult(os:getenv("LAB_DIR") ++ "/accounts/ejabberd.terms").

lists:foreach(
  fun({User, Password, Group, Contacts}) ->
    case ejabberd_auth:try_register(User, Domain, Password) of
      ok ->
        lists:foreach(
          fun({Contact, Name}) ->
            ok = mod_admin_extra:add_rosteritem(User, Domain, Contact, Domain, Name, Group, <<"both">>)
          end, Contacts);
      {error, exists} -> ok
    end
  end, Accounts).

ok = file:write_file(os:getenv("LAB_NODE_DIR") ++ "/accounts_ready", <<>>).

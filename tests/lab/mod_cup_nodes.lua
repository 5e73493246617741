-- Makes a Prosody behave like a node of Cisco Unified Presence where it matters to a client that looks
-- for its home node: the SASL mechanisms of the stream features carry a <hostname/> for the user's home
-- node and one for the backup node, in this order.
--
-- CUP knows the user before login only by the `from` of the session request. Prosody's mod_bosh does not
-- keep that attribute, but it fires the global event `bosh-session`, with the new session and the raw HTTP
-- request, before it builds the features. So the attribute is read there, and used in a late
-- `stream-features` hook, after mod_saslauth has added <mechanisms/>.
--
-- Configuration: cup_nodes = { alice = { "node-a1", "node-b1" }, bob = { "node-a1" } }

local lxp = require "lxp";
local jid_prepped_split = require "util.jid".prepped_split;

local xmlns_sasl = "urn:ietf:params:xml:ns:xmpp-sasl";
-- What CUP sends; XEP-0233 has used :1 since 2011, for another purpose.
local xmlns_hostname = "urn:xmpp:domain-based-name:0";

local nodes_of = module:get_option("cup_nodes", {});

-- The `from` attribute of the document's first start tag, or nil. mod_bosh reports bad XML, not we.
local function from_of_first_tag(document)
	local from;
	local parser = lxp.new({
		StartElement = function (self, _, attributes)
			from = attributes.from;
			self:stop();
		end;
	});
	parser:parse(document);
	return from;
end

module:hook_global("bosh-session", function (event)
	local from = from_of_first_tag(event.request.body or "");
	local user, host = jid_prepped_split(from);
	if user and host == module.host then
		event.session.cup_user = user;
	end
end);

module:hook("stream-features", function (event)
	local mechanisms = event.features:get_child("mechanisms", xmlns_sasl);
	local nodes = mechanisms and nodes_of[event.origin.cup_user];
	for _, name in ipairs(nodes or {}) do
		mechanisms:text_tag("hostname", name, { xmlns = xmlns_hostname });
	end
end, -100);

package agents

import (
	"context"
	"fmt"
)

// sendArp announces an address that something else configures.
type sendArp struct{}

var sendArpMeta = metaData{
	name: "SendArp", shortdesc: "Broadcasts unsolicited ARP announcements",
	longdesc: "Tells the neighbours that this node has an address. The address is not checked for and not configured.",
	params: []metaParam{
		{name: "ip", typ: "string", required: true, unique: true, shortdesc: "The address to announce"},
		{name: "nic", typ: "string", required: true, shortdesc: "Network interface"},
		{name: "ARP_INTERVAL_MS", typ: "integer", def: "200", shortdesc: "Milliseconds between announcements"},
		{name: "ARP_REPEAT", typ: "integer", def: "5", shortdesc: "Count of announcements"},
		{name: "ARP_BACKGROUND", typ: "boolean", def: "yes", shortdesc: "Announce in the background", longdesc: "Whether a start ends with the first announcement. The newer name is background."},
		{name: "background", typ: "boolean", def: "true", shortdesc: "Announce in the background"},
	},
	actions: []metaAction{
		{name: "start", timeout: "20s"}, {name: "stop", timeout: "20s"},
		{name: "monitor", timeout: "20s", interval: "10s", depth: "0"},
		{name: "validate-all", timeout: "20s"}, {name: "meta-data", timeout: "5s"},
	},
}

// MetaData implements [Agent].
func (sendArp) MetaData() string { return sendArpMeta.xml() }

// Run implements [Agent].
func (a sendArp) Run(ctx context.Context, action string, env Env) int {
	if action == "meta-data" {
		fmt.Fprint(env.Stdout, a.MetaData())
		return ocfSuccess
	}
	params := env.Params
	if params["ip"] == "" && params["1"] != "" {
		// v1: SendArp IP/NIC
		p := splitV1(params["1"])
		if p["nic"] == "" {
			p["nic"] = p["cidr_netmask"]
		}
		params = map[string]string{"ip": p["ip"], "nic": p["nic"]}
	}
	s, err := parseIPSpec(params)
	if err == nil && s.nic == "" {
		err = badSpec("parameter nic is missing: name the interface on which to announce %s", s.ip)
	}
	if err != nil {
		return env.fail(ocfErrConfigured, "%v", err)
	}
	file := stateFile(&env, "SendArp")
	switch action {
	case "start":
		return a.start(ctx, s, file, &env)
	case "stop":
		stopAnnouncing(s.ip)
		if err := dropState(file); err != nil {
			return env.fail(ocfErrGeneric, "%v", err)
		}
		return ocfSuccess
	case "monitor", "status":
		_, on, err := readState(file)
		switch {
		case err != nil:
			return env.fail(ocfErrGeneric, "%v", err)
		case !on:
			return ocfNotRunning
		}
		return ocfSuccess
	case "validate-all":
		return ocfSuccess
	}
	return env.fail(ocfErrUnimpl, "SendArp has no action %q", action)
}

func (a sendArp) start(ctx context.Context, s ipSpec, file string, env *Env) int {
	k, err := openHost()
	if err != nil {
		return env.fail(ocfErrGeneric, "%v", err)
	}
	defer k.close()
	l, _, err := k.place(s)
	if err != nil {
		return env.fail(placeCode(err), "%s: %v", s.ip, err)
	}
	an, err := newAnnouncer(l, s.ip)
	if err != nil || an == nil {
		if err == nil {
			err = fmt.Errorf("%s has no neighbours to tell", s.nic)
		}
		return env.fail(netlinkCode(err), "%v", err)
	}
	env.info("Sending Gratuitous Arp for %s on %s [%s]", s.ip, s.nic, s.nic)
	send := an.first
	if s.arpCount <= 1 {
		send = an.send
	}
	if err := send(); err != nil {
		an.close()
		return env.fail(ocfErrGeneric, "%v", err)
	}
	if err := writeState(file, s.ip.String()); err != nil {
		an.close()
		return env.fail(ocfErrGeneric, "%v", err)
	}
	if s.arpCount <= 1 {
		an.close()
		return ocfSuccess
	}
	started := func() bool { _, on, err := readState(file); return on && err == nil }
	keepAnnouncing(s.ip, an, 1, s.arpCount, s.arpInterval, started, func() {})
	if !s.background {
		announcing(ctx, s.ip)
	}
	return ocfSuccess
}

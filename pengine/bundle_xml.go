package pengine

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/quorate/quorate/cib"
)

// implied writes a primitive that a bundle implies.
func implied(line int, id, agent string, params [][2]string) *cib.Element {
	var pairs []*cib.Element
	for _, p := range params {
		pairs = append(pairs, cib.New("nvpair", "id", id+"-attributes-"+p[0], "name", p[0], "value", p[1]))
	}
	e := cib.New("primitive", "id", id, "class", "ocf", "provider", "heartbeat", "type", agent).WithChildren(
		cib.New("instance_attributes", "id", id+"-attributes").WithChildren(pairs...),
		cib.New("operations").WithChildren(cib.New("op", "id", id+"-monitor-60s", "name", tMonitor, "interval", "60s")),
		cib.New("meta_attributes", "id", id+"-meta").WithChildren(cib.New("nvpair", "id", id+"-meta-"+implicitMeta, "name", implicitMeta, "value", "true")))
	e.Line = line
	return e
}

// addressXML writes the address of a replica.
func (b *bundleData) addressXML(r *resource, rep *replica) *cib.Element {
	params := [][2]string{{"ip", rep.ip}}
	if b.nic != "" {
		params = append(params, [2]string{"nic", b.nic})
	}
	params = append(params, [2]string{"cidr_netmask", orDefault(b.netmask, "32")})
	return implied(r.xml.Line, r.id+"-ip-"+strings.ReplaceAll(rep.ip, ":", "."), "IPaddr2", params)
}

// containerXML writes the container of a replica.
func (b *bundleData) containerXML(r *resource, rep *replica) *cib.Element {
	opts, mounts := b.runOptions(r, rep)
	params := [][2]string{{"image", b.image}, {"allow_pull", "true"}, {"force_kill", "false"}, {"reuse", "false"},
		{"run_opts", opts}, {"mount_points", mounts}, {"monitor_cmd", "/bin/true"}}
	command := b.command
	if command == "" && b.child != nil {
		command = "/usr/sbin/pacemaker-remoted"
	}
	if command != "" {
		params = append(params, [2]string{"run_cmd", command})
	}
	return implied(r.xml.Line, r.id+"-"+b.kind+"-"+strconv.Itoa(rep.offset), b.kind, params)
}

// runOptions returns the options with which a container is started, and the
// directories to make for it.
func (b *bundleData) runOptions(r *resource, rep *replica) (opts, dirs string) {
	rkt := b.kind == "rkt"
	name := replicaName(r, rep.offset)
	var o strings.Builder
	add := func(engine, other string, args ...any) {
		if !rkt {
			engine = other
		}
		fmt.Fprintf(&o, engine, args...)
	}
	if b.kind == "docker" {
		o.WriteString(" --restart=no")
	}
	if b.firstIP != "" {
		add(" --hostname=%s", " -h %s", name)
	}
	add(" --environment=PCMK_stderr=1", " -e PCMK_stderr=1")
	if b.network != "" {
		fmt.Fprintf(&o, " --net=%s", b.network)
	}
	add(" --environment=PCMK_remote_port=%s", " -e PCMK_remote_port=%s", orDefault(b.port, defaultRemotePort))
	var made []string
	for i, m := range b.mounts {
		source := m.source
		if m.perReplica {
			source += "/" + name
			made = append(made, source)
		}
		options := m.options
		if rkt {
			if options != "" {
				options = "," + options
			}
			fmt.Fprintf(&o, " --volume vol%d,kind=host,source=%s%s --mount volume=vol%d,target=%s", i, source, options, i, m.target)
			continue
		}
		if options != "" {
			options = ":" + options
		}
		fmt.Fprintf(&o, " -v %s:%s%s", source, m.target, options)
	}
	for _, p := range b.ports {
		switch {
		case rep.ip != "" && rkt:
			fmt.Fprintf(&o, " --port=%s:%s:%s", p.inside, rep.ip, p.outside)
		case rep.ip != "":
			fmt.Fprintf(&o, " -p %s:%s:%s", rep.ip, p.outside, p.inside)
		case rkt:
			fmt.Fprintf(&o, " --port=%s:%s", p.inside, p.outside)
		case b.network != "host": // otherwise the ports are those of the host
			fmt.Fprintf(&o, " -p %s:%s", p.outside, p.inside)
		}
	}
	if b.options != "" {
		o.WriteString(" " + b.options)
	}
	o.WriteString(" " + b.hosts)
	return o.String(), strings.Join(made, ",")
}

package agents

import "sort"

// Standard names one built-in agent under one of its names.
type Standard struct {
	Class, Provider, Type string
	Agent                 Agent
}

// builtins maps class, provider and type. Each agent answers as ocf:quorate and
// under the names by which configurations know it.
var builtins = func() map[[3]string]Agent {
	m := map[[3]string]Agent{}
	add := func(a Agent, typ string, names ...[2]string) {
		m[[3]string{"ocf", "quorate", typ}] = a
		for _, n := range names {
			m[[3]string{n[0], n[1], typ}] = a
		}
	}
	ocf, v1, pcmk := [2]string{"ocf", "heartbeat"}, [2]string{"heartbeat", ""}, [2]string{"ocf", "pacemaker"}
	add(newIPaddr("IPaddr"), "IPaddr", ocf, v1)
	add(newIPaddr("IPaddr2"), "IPaddr2", ocf, v1)
	add(sendArp{}, "SendArp", ocf, v1)
	add(dummy{}, "Dummy", ocf, pcmk)
	add(stateful{}, "Stateful", ocf, pcmk)
	add(newFilesystem(), "Filesystem", ocf, v1)
	add(newAnything(), "anything", ocf)
	add(newApache("apache"), "apache", ocf, v1)
	add(newApache("httpd"), "httpd", ocf, v1)
	add(newPing("ping"), "ping", pcmk)
	add(newPing("pingd"), "pingd", ocf, pcmk)
	add(newMailTo(), "MailTo", ocf, v1)
	add(newMySQL(), "mysql", ocf)
	add(newLVM(), "LVM", ocf, v1)
	add(newDRBD(), "drbd", [2]string{"ocf", "linbit"}, ocf)
	add(newDRBDDisk(), "drbddisk", ocf, v1)
	add(newNFSServer(), "nfsserver", ocf)
	add(newPortblock(), "portblock", ocf, v1)
	add(newSfex(), "sfex", ocf)
	add(newDelay(), "Delay", ocf, v1)
	add(newRoute(), "Route", ocf)
	add(newIPsrcaddr(), "IPsrcaddr", ocf, v1)
	return m
}()

// Lookup returns the built-in agent of that name. Class heartbeat takes any
// provider, as resource.d scripts have none.
func Lookup(class, provider, typ string) (Agent, bool) {
	if class == "heartbeat" {
		provider = ""
	}
	a, ok := builtins[[3]string{class, provider, typ}]
	return a, ok
}

// All returns every built-in agent under each of its names, sorted by class,
// provider and type.
func All() []Standard {
	out := make([]Standard, 0, len(builtins))
	for k, a := range builtins {
		out = append(out, Standard{Class: k[0], Provider: k[1], Type: k[2], Agent: a})
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if a.Class != b.Class {
			return a.Class < b.Class
		}
		if a.Provider != b.Provider {
			return a.Provider < b.Provider
		}
		return a.Type < b.Type
	})
	return out
}

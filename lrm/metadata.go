package lrm

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// metaDataLimit bounds the meta-data of an agent, in bytes.
const metaDataLimit = 1 << 20

// metaDataTimeout bounds how long an agent may take to say it.
const metaDataTimeout = 30 * time.Second

// lsbMetaData stands in for init scripts and v1 scripts, which have none.
const lsbMetaData = `<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="%[1]s" version="0.1">
<version>1.0</version>
<longdesc lang="en">%[2]s</longdesc>
<shortdesc lang="en">%[1]s</shortdesc>
<parameters/>
<actions>
<action name="start" timeout="15s"/>
<action name="stop" timeout="15s"/>
<action name="monitor" timeout="15s" interval="15s"/>
<action name="meta-data" timeout="5s"/>
</actions>
</resource-agent>
`

// systemdMetaData is [LRM.MetaData] for a unit.
func (l *LRM) systemdMetaData(ctx context.Context, typ string) (string, error) {
	unit := unitName(typ)
	b, err := l.dialSystemd(ctx)
	if err != nil {
		return "", fmt.Errorf("meta-data of systemd:%s: %w", typ, err)
	}
	defer b.close()
	if _, err := b.state(ctx, unit); err != nil {
		return "", fmt.Errorf("meta-data of systemd:%s: %w", typ, err)
	}
	return fmt.Sprintf(lsbMetaData, typ, "Started and stopped by systemd as "+unit), nil
}

// MetaData returns the OCF meta-data of an agent. It waits for the agent, and is
// not queued with the operations.
func (l *LRM) MetaData(ctx context.Context, class, provider, typ string) (string, error) {
	op := Op{Resource: typ, Class: class, Provider: provider, Type: typ, Name: "meta-data", Timeout: metaDataTimeout}
	if err := checkNames(&op); err != nil {
		return "", err
	}
	name := class + ":" + typ
	if provider != "" {
		name = class + ":" + provider + ":" + typ
	}
	if a, ok := l.builtin(&op); ok {
		return a.MetaData(), nil
	}
	l.resolve(&op)
	if op.Class == "systemd" {
		return l.systemdMetaData(ctx, typ)
	}
	file, _, err := l.script(&op)
	if err != nil {
		return "", fmt.Errorf("meta-data of %s: %w", name, err)
	}
	if op.Class != "ocf" {
		return fmt.Sprintf(lsbMetaData, typ, "Started and stopped by "+file), nil
	}
	r := l.execute(ctx, &task{op: op})
	if r.Status != Done || r.RC != OK {
		return "", fmt.Errorf("meta-data of %s: the agent returned %d: %s", name, r.RC, r.ExitReason)
	}
	i := strings.Index(r.Output, "<?xml")
	if i < 0 {
		if i = strings.Index(r.Output, "<resource-agent"); i < 0 {
			return "", fmt.Errorf("meta-data of %s: the agent printed none", name)
		}
	}
	return r.Output[i:], nil
}

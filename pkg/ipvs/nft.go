package ipvs

import (
	"context"
	"fmt"
	"os/exec"
	"strings"

	"github.com/vishvananda/netlink"

	"github.com/quorate/quorate/pkg/realtime"
)

// Available returns nil when the kernel has IPVS, and else [ErrNoIPVS] with what
// the kernel said.
func Available() error {
	if _, err := netlink.GenlFamilyGet("IPVS"); err != nil {
		return fmt.Errorf("%w: %w", ErrNoIPVS, err)
	}
	return nil
}

// NFT carries tables out by nftables. Its zero value is ready. It is not for use by
// several goroutines at a time.
type NFT struct {
	// applied is what this value has put into the kernel, and shows what the kernel
	// printed of it then: what it prints later is compared with that.
	applied, shows string
	// Repairs counts how often the kernel's table was not what had been applied.
	Repairs int
}

// Apply makes the kernel have the table, and nothing else of this package. It does
// nothing while the table is in the kernel unchanged; what others changed is
// repaired and counted.
func (n *NFT) Apply(ctx context.Context, t Table) error {
	rules, err := t.NFTRules()
	if err != nil {
		return err
	}
	if rules == n.applied {
		now, err := n.list(ctx)
		if err != nil {
			return err
		}
		if now == n.shows {
			return nil
		}
		n.Repairs++
	}
	if _, err := nft(ctx, rules, "-f", "-"); err != nil {
		return err
	}
	n.applied = rules
	n.shows, err = n.list(ctx)
	return err
}

// Clear removes everything of this package from the kernel.
func (n *NFT) Clear(ctx context.Context) error { return n.Apply(ctx, nil) }

// list is what the kernel has.
func (n *NFT) list(ctx context.Context) (string, error) {
	var all strings.Builder
	for _, fam := range []string{"ip", "ip6"} {
		out, err := nft(ctx, "", "list", "table", fam, tableName)
		if err != nil && !strings.Contains(err.Error(), "No such file or directory") {
			return "", err
		}
		all.WriteString(out)
	}
	return all.String(), nil
}

// nft runs the program of nftables.
func nft(ctx context.Context, input string, args ...string) (string, error) {
	var out, said strings.Builder
	c := exec.CommandContext(ctx, "nft", args...)
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(input), &out, &said
	err := realtime.Start(c)
	if err == nil {
		err = c.Wait()
	}
	if err != nil {
		return "", fmt.Errorf("nft %s: %w: %.300s", strings.Join(args, " "), err, strings.Join(strings.Fields(said.String()), " "))
	}
	return out.String(), nil
}

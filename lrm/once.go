package lrm

import "context"

// Once carries one operation out without a resource manager around it: nothing
// is queued, no gate is asked and no history is kept. It is for commands that
// act beside the cluster.
func Once(ctx context.Context, cfg Config, op Op) Result {
	return bare(cfg).execute(ctx, &task{op: op})
}

// AgentMetaData returns the OCF meta-data of an agent, as [LRM.MetaData] does.
func AgentMetaData(ctx context.Context, cfg Config, class, provider, typ string) (string, error) {
	return bare(cfg).MetaData(ctx, class, provider, typ)
}

// bare is a resource manager that does nothing by itself and has no journal.
func bare(cfg Config) *LRM {
	return &LRM{cfg: cfg.withDefaults(), journal: &journal{},
		known: traitsCache{m: map[[3]string]knownTraits{}, asking: map[[3]string]chan struct{}{}}}
}

package pengine

// edge is one ordering between two actions.
type edge struct {
	a *action
	t uint32
	// used is set when the edge became an input of the graph.
	used bool
}

// Kinds of orderings, combined as bits.
const (
	oOptional             uint32 = 1 << iota // pure ordering, nothing implied
	oApplyFirstNonMigr                       // only if 'first' is not migrated
	oImpliesFirst                            // if 'then' is required, so is 'first'
	oImpliesThen                             // if 'first' is required, so is 'then'
	oPromotedImpliesFirst                    // as oImpliesFirst for a promoted 'then'
	oImpliesFirstMigr                        // as oImpliesFirst, only for a migratable 'first'
	oRunnableLeft                            // 'then' requires 'first' to be runnable
	oPseudoLeft                              // 'then' may be pseudo only if 'first' is
	oImpliesThenOnNode                       // as oImpliesThen, same node only
	oProbe                                   // a probe comes first
	oRestart                                 // 'then' is half of a restart
	oStonithStop                             // only if 'first' is fencing
	oSerialize                               // just avoid doing both at once
	oSameNode                                // if both are on one node
	oImpliesFirstPrinted                     // show 'first' though optional
	oImpliesThenPrinted                      // show 'then' though optional
	oAsymmetrical                            // no reverse of this ordering
	oLoad                                    // only to have room
	oOneOrMore                               // 'then' needs some of its 'first's
	oAntiColocation                          // from a negative colocation
	oPreserve                                // keeps an ordering through translations
	oThenCancelsFirst                        // a required 'then' cancels 'first'
)

const oNone uint32 = 0

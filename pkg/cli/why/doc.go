// Package why is the commands "quorate why RSC [NODE]" and "quorate why-not RSC
// NODE": the decision about a resource as a sentence, then the sum of scores
// behind it, on a file or on the running cluster.
package why

// Package version names this build.
package version

// Version is set by the linker: the tag or commit of the build.
var Version = "dev"

// FeatureSet is the CRM feature set the program speaks, as Pacemaker 2.1.5's.
const FeatureSet = "3.16.1"

// Package docs is the reference for those who build front ends: the contract as pages to browse, search and try out, and the flows,
// which tell how operations follow one another.
//
// The reference is Swagger UI on the contract, to which every operation's outcome, refusals and next steps are added (reference.go);
// the contract itself stays as it is. The flows are declared in flow_*.go, drawn by drawing.go, and run in tests/e2e as they are
// printed. Nothing is loaded from another host, and the pages' policy would not let it be.
package docs

// Package portal is the Customer Portal as an application of the engine: the
// people of companies, their subscriptions, workspaces, diagrams and groups, the
// audit log, accounts and sessions.
//
// Everything is relationships under its own schema (schema.zed) and documents
// beside them, changed only by guarded transactions: the permission that allows an
// action is evaluated at the very revision at which the action is done. What a
// person may do is asked of the engine, always; no rule of authorization is
// written in Go.
//
// The package refuses to know gRPC, HTTP and their codes (it answers the messages
// of pemba.portal.v1 and refuses with a *Refusal), how the log works, and where it
// is stored. It reads no clock but Config.Now.
//
// # Reading order
//
// portal.go opens it, caller.go says who calls. view.go is all that reading knows;
// act.go is the way of every change: plan on a state, guard, record, propose, and
// plan again when somebody else was faster. documents.go has the keys and forms of
// the documents, directory.go the lists that are searched. Then one file per part
// of the API, named after its service.
package portal

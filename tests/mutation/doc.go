// Package mutation proves that the tests protect what they say: it takes the guards of Menshen away one by one (a WHERE
// clause, a charge, an expiry, a signature check), compiles what is left, and wants a test to turn red. The lists of guards
// are beside this file, by capability. MENSHEN_TEST_MUTANTS=all tries all of them, which takes a while; otherwise it is a few.
package mutation

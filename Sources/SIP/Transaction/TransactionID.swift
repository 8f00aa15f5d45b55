package import Elements

/// A request that we sent, and its responses.
package enum ClientTransactionSubject {}
/// A request that we got, and our responses.
package enum ServerTransactionSubject {}
/// A peering between our tag and a peer's (RFC 3261 §12).
package enum DialogSubject {}

package typealias ClientTransactionID = ID<ClientTransactionSubject>
package typealias ServerTransactionID = ID<ServerTransactionSubject>
package typealias DialogID = ID<DialogSubject>

// What typed numbers are numbers of. Named here, on the ground floor, because tenants, accounts and
// calls are spoken of on every floor; the things themselves live where their knowledge is.

/// A customer: one company with its own domain.
package enum TenantSubject {}
/// A payer in the ledger: in this release every extension has one of its own.
package enum AccountSubject {}
/// An internal number of a tenant.
package enum ExtensionSubject {}
/// A link to a carrier.
package enum TrunkSubject {}
/// Two or more legs joined.
package enum CallSubject {}
/// One half of a call, ours towards one party.
package enum LegSubject {}
/// A reservation in the ledger.
package enum HoldSubject {}
/// A media session of the relay.
package enum MediaSessionSubject {}
/// A pair of addresses that reaches a phone (RFC 5626).
package enum FlowSubject {}

package typealias TenantID = ID<TenantSubject>
package typealias AccountID = ID<AccountSubject>
package typealias ExtensionID = ID<ExtensionSubject>
package typealias TrunkID = ID<TrunkSubject>
package typealias CallID = ID<CallSubject>
package typealias LegID = ID<LegSubject>
package typealias HoldID = ID<HoldSubject>
package typealias MediaSessionID = ID<MediaSessionSubject>
package typealias FlowID = ID<FlowSubject>

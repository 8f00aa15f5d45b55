package import Elements

/// Who or what has limits: every paid call is counted at each level above its payer.
package enum LimitSubject: Hashable, Sendable, CustomStringConvertible {
  case account(AccountID)
  case tenant(TenantID)
  case trunk(TrunkID)
  case platform

  package var description: String {
    switch self {
    case .account(let id): "account \(id)"
    case .tenant(let id): "tenant \(id)"
    case .trunk(let id): "trunk \(id)"
    case .platform: "the platform"
    }
  }

  /// Level and number, for an order that does not depend on hashing.
  var sortKey: (UInt8, UInt64) {
    switch self {
    case .platform: (0, 0)
    case .tenant(let id): (1, id.number)
    case .trunk(let id): (2, id.number)
    case .account(let id): (3, id.number)
    }
  }
}

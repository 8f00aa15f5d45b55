package import Elements

/// A call that costs money, as habits see it: at the moment in which its carrier would be asked.
package struct PaidCall: Hashable, Sendable {
  /// Who pays.
  package var account: AccountID
  package var tenant: TenantID
  package var at: WallTime
  /// Seconds east of UTC where the tenant is: an hour is usual by the clock on its wall.
  package var zoneOffset: Int32
  package var destination: Destination
  package var origin: Origin
  /// In micro-units of the tenant's currency.
  package var pricePerMinute: Int64
  /// What it may well come to, such as its first two minutes: it counts as that until more is known.
  package var worth: Int64

  package init(
    account: AccountID, tenant: TenantID, at: WallTime, zoneOffset: Int32,
    destination: Destination, origin: Origin, pricePerMinute: Int64, worth: Int64
  ) {
    (self.account, self.tenant, self.at) = (account, tenant, at)
    (self.zoneOffset, self.destination, self.origin) = (zoneOffset, destination, origin)
    (self.pricePerMinute, self.worth) = (pricePerMinute.clamped, worth.clamped)
  }

  /// Hours since 1970 by the clock on the wall.
  var localHour: Int64 { (at.unixSeconds + Int64(zoneOffset)).flooredQuotient(by: 3600) }
}

extension PaidCall {
  /// Where a call goes, as coarse as habits are: a country, and whether it is a number that is dear by its kind.
  package struct Destination: Hashable, Sendable {
    /// Whoever asks numbers the countries.
    package var country: UInt16
    /// Premium, shared cost, satellite and what is in no plan.
    package var isSpecial: Bool

    package init(country: UInt16, isSpecial: Bool = false) {
      (self.country, self.isSpecial) = (country, isSpecial)
    }
  }

  /// What made a call.
  package enum Origin: Hashable, Sendable {
    /// A phone in that network: 24 bits of IPv4, 48 of IPv6.
    case network(IPAddress)
    /// A forward of the account, whoever called it.
    case forward
    case unknown
  }
}

extension Int64 {
  /// Ten million units: no habit is about more, and no sum of two overflows.
  private static let most: Int64 = 10_000_000_000_000

  var clamped: Int64 { Swift.min(Swift.max(self, 0), Self.most) }

  /// The same of what may be taken back.
  var bounded: Int64 { Swift.min(Swift.max(self, -Self.most), Self.most) }
}

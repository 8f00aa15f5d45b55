package import Elements

/// A phone, or whatever else signs in: one user name and password.
package enum DeviceSubject {}
package typealias DeviceID = ID<DeviceSubject>

/// Which number belongs to which name, for good: a name that comes back gets its old number again.
package struct IdentityMap: Codable, Hashable, Sendable {
  private var tenants = Names()
  private var trunks = Names()
  /// By "tenant number/extension number".
  private var extensions = Names()
  /// By "tenant number/user name".
  private var devices = Names()

  private struct Names: Codable, Hashable, Sendable {
    var numbers: [String: UInt64] = [:]
    var last: UInt64 = 0

    mutating func number(of name: String) -> UInt64 {
      if let known = numbers[name] { return known }
      last += 1
      numbers[name] = last
      return last
    }
  }

  package init() {}

  package mutating func tenant(_ name: String) -> TenantID { ID(tenants.number(of: name)) }
  package mutating func trunk(_ name: String) -> TrunkID { ID(trunks.number(of: name)) }

  package mutating func device(_ username: String, of tenant: TenantID) -> DeviceID {
    ID(devices.number(of: "\(tenant)/\(username)"))
  }

  package mutating func line(_ number: String, of tenant: TenantID) -> ExtensionID {
    ID(extensions.number(of: "\(tenant)/\(number)"))
  }
}

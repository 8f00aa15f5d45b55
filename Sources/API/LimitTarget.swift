/// Whose limits a command is about, by the names that people give.
package enum LimitTarget: Codable, Sendable, Hashable {
  case account(tenant: String, extension: String)
  case tenant(String)
  case trunk(String)
  case platform

  /// Why it is not clear who is meant; says which options there are.
  package enum Unclear: Error, Hashable, Sendable, CustomStringConvertible {
    case nobody, several, extensionAlone

    package var description: String {
      switch self {
      case .nobody: "Say whose limits are meant: \(Self.options)."
      case .several: "One command is about one of these: \(Self.options)."
      case .extensionAlone: "--extension needs --tenant: numbers repeat between tenants."
      }
    }

    private static let options =
      "--tenant NAME, --tenant NAME --extension NUMBER, --trunk NAME, or --platform"
  }

  /// The one that the options of a command name.
  package init(
    tenant: String?, extension number: String?, trunk: String?, isPlatform: Bool
  ) throws(Unclear) {
    guard number == nil || tenant != nil else { throw .extensionAlone }
    switch (tenant, trunk, isPlatform) {
    case (let tenant?, nil, false):
      self = number.map { .account(tenant: tenant, extension: $0) } ?? .tenant(tenant)
    case (nil, let trunk?, false): self = .trunk(trunk)
    case (nil, nil, true): self = .platform
    case (nil, nil, false): throw .nobody
    case (_, _, _): throw .several
    }
  }
}

package import Elements
package import Guard

/// With whom bans are shared, and how far others are believed.
package struct SharingSettings: Hashable, Sendable {
  /// Somebody who may read our list.
  package struct Reader: Hashable, Sendable {
    package let name: String
    /// What it shows with each request.
    package let token: Secret

    package init(name: String, token: Secret) {
      (self.name, self.token) = (name, token)
    }
  }

  /// Somebody whose list we read.
  package struct Peer: Hashable, Sendable {
    package let name: String
    /// "https://192.0.2.2:5080", without a path.
    package let url: String
    package let key: Bits256
    package let trust: Trust
    package let token: Secret
    /// PEM file of authorities that its certificate is believed by in place of the system's; nil: the system's.
    package let authorities: String?

    package init(
      name: String, url: String, key: Bits256, trust: Trust, token: Secret, authorities: String?
    ) {
      (self.name, self.url, self.key) = (name, url, key)
      (self.trust, self.token, self.authorities) = (trust, token, authorities)
    }
  }

  /// Where our list is read, over HTTPS; nil: nowhere.
  package var listen: Endpoint?
  package var readers: [Reader] = []
  package var peers: [Peer] = []
  package var rules = SharingRules()

  package init() {}

  /// Readers and peers, each.
  package static let most = 32
}

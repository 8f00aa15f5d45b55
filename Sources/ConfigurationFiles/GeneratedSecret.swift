/// A password or key that `apply` made: shown once, kept only as what can check it.
package struct GeneratedSecret: Hashable, Sendable {
  package enum Purpose: String, Hashable, Sendable {
    case device, webhook
  }

  package let purpose: Purpose
  /// Name of the tenant; nil for the platform.
  package let tenant: String?
  /// The realm of a device; empty for a webhook.
  package let realm: String
  /// The user name of a device, or the address of a webhook.
  package let name: String
  package let value: String
}

package import Elements

/// What protects one direction of one stream: suite, master key with salt, and MKI.
package struct MasterKey: Hashable, Sendable {
  package let profile: ProtectionProfile
  /// Master key, then master salt (RFC 4568 §6.1).
  package let material: Secret
  /// The master key identifier each packet carries, 1 to 128 bytes; empty: packets carry none.
  package let identifier: [UInt8]

  /// Returns nil unless the material has the length of the profile and the identifier a legal one.
  package init?(profile: ProtectionProfile, material: Secret, identifier: [UInt8] = []) {
    guard material.exposed.count == profile.masterBytes, identifier.count <= 128 else { return nil }
    (self.profile, self.material, self.identifier) = (profile, material, identifier)
  }

  /// A fresh key of ours.
  package init(random profile: ProtectionProfile, using dice: inout Dice) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(profile.masterBytes)
    for _ in 0..<profile.masterBytes { bytes.append(UInt8.random(in: .min ... .max, using: &dice)) }
    (self.profile, material, identifier) = (profile, Secret(bytes), [])
  }
}

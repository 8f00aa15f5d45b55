package import Elements
import SIPSyntax

/// Tries one password after the other on what is kept of a user's, without an allocation for each.
package struct PasswordTrial: ~Copyable {
  /// `user:realm:`, with which each hash begins (RFC 7616 §3.4.2).
  private let beginning: [UInt8]
  private let wanted: [UInt8]
  private var run = HashRun()

  /// `md5` is HA1 in hexadecimal letters, as ``DigestSecrets`` keeps it.
  package init(user: [UInt8], realm: [UInt8], md5: Secret) {
    beginning = user + [UInt8(ascii: ":")] + realm + [UInt8(ascii: ":")]
    wanted = md5.exposed
  }

  package mutating func isPassword(_ guess: [UInt8]) -> Bool {
    run.begin(.md5)
    run.absorb(beginning)
    run.absorb(guess)
    return run.finish().text.isEqualInConstantTime(to: wanted.span)
  }
}

import Elements
import SIP
import SIPSyntax

/// Which digest algorithms a request is challenged with.
///
/// All that we take, the strongest first, is right (RFC 8760 §2.4): a phone takes the first that it knows. Some
/// phones instead give up at the first challenge that they do not know, and could never register. They get
/// MD5 alone, by what they call themselves. A stranger who lies here only weakens his own answer: the
/// password behind either hash is the same, and unknown users are asked alike.
enum ChallengeChoice {
  /// How the User-Agent of such phones begins: libre before 2.0 ends the registration with ENOSYS.
  private static let md5Only: [[UInt8]] = ["baresip v0.", "baresip v1."].map { Array($0.utf8) }

  static func algorithms(for message: Message) -> [DigestAlgorithm] {
    guard let agent = message.first(.userAgent) else { return [.sha256, .md5] }
    let bytes = message.bytes[agent.range]
    return md5Only.contains { bytes.starts(with: $0) } ? [.md5] : [.sha256, .md5]
  }
}

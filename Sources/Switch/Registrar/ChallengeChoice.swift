import Elements
import SIP
import SIPSyntax

/// Which digest algorithms a request is challenged with.
///
/// All that we take, the strongest first, would be right (RFC 8760 §2.4): a phone takes the first that it knows.
/// But many phones give up at a challenge that they do not know, wherever it stands, and could never register:
/// libre before 2.0 (ENOSYS), SIPp, and desk phones that read the first header only. So only phones that are
/// known to choose are offered SHA-256; MD5 alone goes to all others. Whatever a phone answers with is
/// checked. A stranger who lies here only weakens his own answer, and unknown users are asked alike.
enum ChallengeChoice {
  /// How the User-Agent of phones begins that were seen to choose among several challenges.
  private static let choosers: [[UInt8]] = ["Linphone"].map { Array($0.utf8) }

  private static let strong: [DigestAlgorithm] = [.sha256, .md5]
  private static let weak: [DigestAlgorithm] = [.md5]

  /// Shorter datagrams get one challenge, so that hardly more goes to a forged sender than came from him (A13).
  ///
  /// Phones that choose send more.
  private static let roomForTwo = 400

  static func algorithms(for message: Message, on flow: Flow) -> [DigestAlgorithm] {
    guard let agent = message.first(.userAgent) else { return weak }
    let bytes = message.bytes[agent.range]
    guard choosers.contains(where: { bytes.starts(with: $0) }) else { return weak }
    let hasRoom = flow.transport.isReliable || message.bytes.count >= roomForTwo
    return hasRoom ? strong : Array(strong.prefix(1))
  }
}

import Crypto
import Foundation

/// An answer to a challenge with a password that is made up.
struct StrangerCredentials {
  /// The header line with its end.
  let line: String

  init(_ user: String, _ challenge: String, uri: String) {
    func value(_ name: String) -> String {
      guard let start = challenge.range(of: "\(name)=\"")?.upperBound else { return "" }
      return String(challenge[start...].prefix { $0 != "\"" })
    }
    let (realm, nonce) = (value("realm"), value("nonce"))
    let (count, own) = ("00000001", "0a4f113b")
    // RFC 7616 §3.4.1.
    let secret = Self.hash("\(user):\(realm):\(UUID())")
    let response = Self.hash(
      "\(secret):\(nonce):\(count):\(own):auth:\(Self.hash("REGISTER:\(uri)"))")
    line =
      "Authorization: Digest username=\"\(user)\",realm=\"\(realm)\",nonce=\"\(nonce)\",uri=\"\(uri)\","
      + "response=\"\(response)\",algorithm=MD5,qop=auth,nc=\(count),cnonce=\"\(own)\"\r\n"
  }

  private static func hash(_ text: String) -> String {
    Insecure.MD5.hash(data: Data(text.utf8)).map { byte in
      let digits = String(byte, radix: 16)
      return digits.count < 2 ? "0" + digits : digits
    }.joined()
  }
}

import Elements
import Testing

@testable import SIP

@Suite struct PasswordTrialTests {
  @Test("RFC 7616 §3.9.1: one password after the other, and only the right one is it")
  func trial() {
    let (user, realm) = (Array("Mufasa".utf8), Array("http-auth@example.org".utf8))
    // H(Mufasa:http-auth@example.org:Circle of Life).
    let kept = Secret("3d78807defe7de2157e2b0b6573a855f")
    var trial = PasswordTrial(user: user, realm: realm, md5: kept)
    for (guess, isRight) in [
      ("", false), ("circle of life", false), ("Circle of Life", true), ("Circle of Life ", false),
    ] {
      #expect(trial.isPassword(Array(guess.utf8)) == isRight, "\(guess)")
    }
    let made = DigestSecrets.hash(
      user: user, realm: realm, password: Secret("Circle of Life"), algorithm: .md5)
    #expect(Secret(made) == kept)
  }
}

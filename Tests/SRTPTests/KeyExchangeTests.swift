import Elements
import SRTP
import Testing

@Suite struct KeyExchangeTests {
  private func parse(_ text: String) -> KeyingAttribute? {
    KeyingAttribute(parsing: Array(text.utf8))
  }

  private let material = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"

  @Test("RFC 4568 §4.1: tag, suite, key, lifetime and MKI")
  func example() throws {
    let attribute = try #require(
      parse("1 AES_CM_128_HMAC_SHA1_80 inline:\(material)|2^20|1:4"))
    #expect(attribute.tag == 1 && attribute.key.profile == .aes128CMSHA1Tag80)
    #expect(attribute.key.material == Secret("YS___semctl () {\t220;}\n}\nunles"))
    #expect(attribute.lifetimeExponent == 20)
    #expect(attribute.key.identifier == [0, 0, 0, 1])
    #expect(
      String(decoding: attribute.serialized, as: UTF8.self)
        == "1 AES_CM_128_HMAC_SHA1_80 inline:\(material)|2^20|1:4")
  }

  @Test(
    "RFC 4568 §6.1, §9.1: forms phones write",
    arguments: [
      "2 aes_cm_128_hmac_sha1_32 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz",
      "1  AES_CM_128_HMAC_SHA1_80  inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|1:4",
      "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|1048576 WSH=64",
      "123456789 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz -FOO=1",
    ])
  func accepted(text: String) {
    #expect(parse(text) != nil)
  }

  @Test(
    "RFC 4568 §6.3: what is malformed or would weaken the call is not taken",
    arguments: [
      "", "1", "1 AES_CM_128_HMAC_SHA1_80",
      "x AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz",
      "1 F8_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz",
      "1 AES_CM_128_HMAC_SHA1_80 uri:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz",
      "1 AES_CM_128_HMAC_SHA1_80 inline:short",
      "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubG*z",
      "1 AES_256_CM_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz",
      "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^5",
      "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|0",
      "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|1:0",
      "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|1:129",
      "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|300:1",
      "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz UNENCRYPTED_SRTP",
      "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz UNAUTHENTICATED_SRTP",
      "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz KDR=1",
    ])
  func refused(text: String) {
    #expect(parse(text) == nil)
  }

  @Test(
    "RFC 4568 §6.2, RFC 6188: every suite of AES in counter mode is known by its name",
    arguments: [("AES_CM_128", 30), ("AES_256_CM", 46)], ["80", "32"])
  func suites(cipher: (name: String, bytes: Int), tag: String) throws {
    let name = "\(cipher.name)_HMAC_SHA1_\(tag)"
    /// So many bytes of nought.
    func key(_ bytes: Int) -> String {
      let digits = String(repeating: "A", count: (bytes * 8 + 5) / 6)
      return digits + String(repeating: "=", count: (4 - digits.count % 4) % 4)
    }
    let attribute = try #require(parse("1 \(name) inline:\(key(cipher.bytes))"))
    #expect(attribute.key.profile.name == name)
    #expect(parse("1 \(name) inline:\(key(cipher.bytes - 16))") == nil)
  }

  @Test("RFC 4568 §7.1: each suite goes through offer and answer", arguments: UInt64(1)...20)
  func exchange(seed: UInt64) throws {
    var (ours, theirs) = (Dice.seeded(SplitMix(seed: seed)), Dice.seeded(SplitMix(seed: ~seed)))
    let profiles = ProtectionProfile.allCases.shuffled(using: &ours)
    let offer = KeyExchange.offer(profiles, using: &ours)
    #expect(Set(offer.map(\.key.material)).count == offer.count)
    let wish = try #require(profiles.randomElement(using: &theirs))
    let answer = try #require(
      KeyExchange.answer(offer.map(\.serialized), preference: [wish], using: &theirs))
    #expect(answer.attribute.key.profile == wish)
    let accepted = try #require(
      KeyExchange.accept([answer.attribute.serialized], offer: offer))
    #expect(accepted.send == answer.keys.receive && accepted.receive == answer.keys.send)
  }

  @Test("The strongest suite offered is taken, unknown ones are passed over")
  func strongest() throws {
    var dice = Dice.seeded(SplitMix(seed: 1))
    let offered = [
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(material)", "2 FUTURE_SUITE inline:abc",
      "3 AES_CM_128_HMAC_SHA1_32 inline:\(material)",
    ].map { Array($0.utf8) }
    let answer = try #require(KeyExchange.answer(offered, using: &dice))
    #expect(answer.attribute.tag == 1)
    #expect(KeyExchange.answer([offered[1]], using: &dice) == nil)
    #expect(KeyExchange.answer([], using: &dice) == nil)
  }

  @Test("RFC 4568 §7.1.3: an answer must be one attribute, of our tag and suite, with its own key")
  func badAnswers() throws {
    var dice = Dice.seeded(SplitMix(seed: 3))
    let offer = KeyExchange.offer([.aeadAES256GCM, .aes128CMSHA1Tag80], using: &dice)
    let fresh = MasterKey(random: .aes128CMSHA1Tag80, using: &dice)
    let good = KeyingAttribute(tag: 2, key: fresh).serialized
    #expect(KeyExchange.accept([good], offer: offer) != nil)
    #expect(KeyExchange.accept([], offer: offer) == nil)
    #expect(KeyExchange.accept([good, good], offer: offer) == nil)
    #expect(
      KeyExchange.accept([KeyingAttribute(tag: 1, key: fresh).serialized], offer: offer) == nil)
    #expect(
      KeyExchange.accept([KeyingAttribute(tag: 9, key: fresh).serialized], offer: offer) == nil)
    #expect(KeyExchange.accept([offer[1].serialized], offer: offer) == nil)
  }

  @Test("Keys are never printed")
  func secrecy() {
    var dice = Dice.seeded(SplitMix(seed: 1))
    let key = MasterKey(random: .aeadAES128GCM, using: &dice)
    #expect("\(key)".contains("(secret)"))
  }
}

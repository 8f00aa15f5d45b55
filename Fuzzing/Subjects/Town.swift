import Directory
import Elements
import Limits
import SIP
import Switch

/// One customer with two phones, a carrier and prices.
enum Town {
  static let domain = "office.example"
  static let users = ["101", "102"]
  static let password = "only for fuzzing"

  static func user(_ party: Exchange.Party) -> String { party == .called ? users[1] : users[0] }

  /// A phone's REGISTER, without digest.
  static func registration(of party: Exchange.Party, sequence: Int) -> [UInt8] {
    let user = user(party)
    let text = """
      REGISTER sip:\(domain) SIP/2.0\r
      Via: SIP/2.0/UDP \(party.endpoint);rport;branch=z9hG4bKr\(user)\(sequence)\r
      From: <sip:\(user)@\(domain)>;tag=r\(user)\r
      To: <sip:\(user)@\(domain)>\r
      Call-ID: r\(user)\r
      CSeq: \(sequence) REGISTER\r
      Contact: <sip:\(user)@\(party.endpoint)>\r
      Expires: 7200\r
      Content-Length: 0\r
      \r

      """
    return Array(text.utf8)
  }

  static func rulebook() throws -> Rulebook {
    let prices = """
      prefix,destination,connection_fee,price_per_minute,minimum_s,increment_s
      34,Spain,0,0.06,0,1
      44,United Kingdom,0.10,0.60,0,60

      """
    var document = DirectoryDocument()
    document.platform.currency = "EUR"
    var office = TenantEntry(name: "office", domain: domain, country: "ES")
    office.timezone = "UTC"
    office.destinations.international = .allow
    office.extensions = users.map(line)
    office.numbers = [
      NumberEntry(
        first: "+34976111222",
        steps: [
          RingStepEntry(extensions: ["101", "102"], seconds: 10),
          RingStepEntry(extensions: ["102"], seconds: 10),
        ])
    ]
    office.trunks = ["carrier"]
    office.rates = TenantRates(sell: "retail")
    document.tenants = [office]
    var carrier = TrunkEntry(name: "carrier", address: "sip:192.0.2.50:5060;transport=udp")
    carrier.probeSeconds = 0
    document.trunks = [carrier]
    document.rates = [RateEntry(name: "retail", currency: "EUR", file: "r.csv", table: prices)]
    let directory = try DirectoryCompiler.compile(&document, revision: 1)
    return Rulebook(
      directory: directory, decks: ["retail": try RateDeckParser().parse(Array(prices.utf8))])
  }

  private static func line(_ user: String) -> ExtensionEntry {
    var line = ExtensionEntry(number: user, name: "Line \(user)")
    let hash = { (algorithm: DigestAlgorithm) in
      Secret(
        DigestSecrets.hash(
          user: Array(user.utf8), realm: Array(domain.utf8), password: Secret(password),
          algorithm: algorithm))
    }
    line.devices = [
      DeviceEntry(
        username: user, name: "Phone \(user)",
        hashes: CredentialHashes(
          md5: hash(.md5), sha256: hash(.sha256), sha512256: hash(.sha512Half)))
    ]
    return line
  }
}

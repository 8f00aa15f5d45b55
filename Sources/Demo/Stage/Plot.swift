/// The numbers of the demo: what is stolen, what it costs, and what the limit is.
package enum Plot {
  static let tenant = "office"
  static let domain = "office.example"
  static let stolen = "101"
  static let other = "102"
  /// The office's own number, which rings 101.
  static let officeNumber = "+34976111222"
  static let emergencyNumber = "112"
  /// In the range that London keeps for films: it belongs to nobody.
  static let target = "00442079460000"
  static let price = CarrierPrice(prefix: "+44", connectionCents: 50, centsPerMinute: 200)
  static let limitCents = 1_000
  static let calls = 100
  static let callsOverMilliseconds = 1_000
  static let owner = "owner@office.example"

  /// What a thief gets from a system that counts finished calls: all calls at once, for an hour.
  static let otherwiseMinutes = 60
  package static var otherwiseCents: Int {
    calls * price.cents(forMilliseconds: Int64(otherwiseMinutes) * 60_000)
  }
  /// The first minute of a call, which is reserved before the carrier is asked.
  package static var firstMinuteCents: Int { price.cents(forMilliseconds: 1) }
  package static var callsThatFit: Int { limitCents / firstMinuteCents }

  static let rates = """
    prefix,destination,connection_fee,price_per_minute,minimum_s,increment_s
    34,Spain,0,0.02,1,1
    44,United Kingdom,\(amount(price.connectionCents)),\(amount(price.centsPerMinute)),60,60

    """

  /// A customer as any other; what it does not say has its default.
  static func office(passwords: [String: String], carrier: UInt16, mail: UInt16) -> String {
    let extensions = passwords.keys.sorted().map { number in
      """
            - number: "\(number)"
              password: "\(passwords[number] ?? "")"
              limits: { spend: { day: \(amount(limitCents)) } }
      """
    }
    return """
      version: 1
      tenants:
        - name: \(tenant)
          domain: \(domain)
          country: ES
          timezone: UTC
          destinations: { international: allow }
          extensions:
      \(extensions.joined(separator: "\n"))
          numbers:
            - { number: "\(officeNumber)", to: ["\(stolen)"] }
          trunks: [carrier]
          rates: { sell: retail, purchase: retail }
          notices: { mail: ["\(owner)"] }
      trunks:
        - { name: carrier, address: "sip:127.0.0.1:\(carrier);transport=udp", channels: 1000 }
      rates:
        - { name: retail, file: retail.csv }
      mail: { server: "smtp://127.0.0.1:\(mail)", from: "martinet@\(domain)" }

      """
  }

  /// "12.50".
  static func amount(_ cents: Int) -> String {
    let fraction = String(cents % 100)
    return "\(cents / 100).\(fraction.count < 2 ? "0" : "")\(fraction)"
  }

  /// "12,050.00 EUR".
  package static func euros(_ cents: Int) -> String {
    let text = amount(cents)
    var whole = String(text.prefix { $0 != "." })
    var position = whole.count - 3
    while position > 0 {
      whole.insert(",", at: whole.index(whole.startIndex, offsetBy: position))
      position -= 3
    }
    return whole + text.suffix(3) + " EUR"
  }
}

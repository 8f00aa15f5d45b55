/// One customer, its people, phones and numbers.
package struct TenantEntry: Codable, Hashable, Sendable {
  package var name: String
  /// The SIP domain and realm of its extensions.
  package var domain: String
  /// An IANA name; limits per day and month follow it.
  package var timezone = "UTC"
  /// Two letters; decides how its phones dial.
  package var country: String
  package var currency = "EUR"
  /// Of all its accounts together.
  package var limits = LimitEntry()
  /// Of each of its accounts that says nothing else.
  package var extensionLimits = LimitEntry.account
  package var destinations = DestinationEntry()
  /// Dialled for a line to the outside; nil: straight.
  package var outsideLine: String?
  /// Emergency numbers beside those of the country.
  package var emergency: [String] = []
  package var extensions: [ExtensionEntry] = []
  /// Phones that serve several extensions; a phone of one stands with its extension.
  package var devices: [DeviceEntry] = []
  package var numbers: [NumberEntry] = []
  /// Names of trunks in order of preference.
  package var trunks: [String] = []
  /// Trunks for emergency calls, tried first for them; otherwise `trunks`.
  package var emergencyTrunks: [String] = []
  package var rates = TenantRates()
  package var notices = NoticeEntry()
  package var callerID = TenantCallerID()
  package var media = MediaEntry()
  package var sessionTimer = SessionTimerEntry()
  /// Nil: as the platform.
  package var retention: RetentionEntry?
  /// Networks and countries that its phones may come from; one of them suffices, nil of both: anywhere.
  package var sources: [String]?
  package var sourceCountries: [String]?

  package init(name: String, domain: String, country: String) {
    (self.name, self.domain, self.country) = (name, domain, country)
  }
}

/// Names of the decks that price a tenant's calls.
package struct TenantRates: Codable, Hashable, Sendable {
  package var sell: String?
  /// What carriers charge, for trunks that name no deck of their own.
  package var purchase: String?

  package init(sell: String? = nil, purchase: String? = nil) {
    (self.sell, self.purchase) = (sell, purchase)
  }
}

/// The numbers that a tenant's calls may show.
package struct TenantCallerID: Codable, Hashable, Sendable {
  /// Shown by extensions that have none of their own; E.164 with a plus sign.
  package var number: String?
  package var withhold = false
  /// Numbers it may show that do not come in here: proven to be its own elsewhere.
  package var foreign: [String] = []

  package init() {}
}

/// An internal number, with an account of its own in the ledger.
package struct ExtensionEntry: Codable, Hashable, Sendable {
  /// 2 to 8 digits.
  package var number: String
  package var name: String
  /// Nil: as the tenant's `extensionLimits`.
  package var limits: LimitEntry?
  /// Keys that are set here win over the tenant's.
  package var destinations: DestinationEntry?
  package var devices: [DeviceEntry] = []
  package var forwards = ForwardEntry()
  package var callerID = ExtensionCallerID()
  /// How long its phones ring before nobody answers.
  package var ringSeconds = 60
  /// Nil: as the tenant.
  package var media: MediaEntry?

  package init(number: String, name: String) {
    (self.number, self.name) = (number, name)
  }
}

/// A phone: one user name and password.
package struct DeviceEntry: Codable, Hashable, Sendable {
  package var username: String
  package var name: String
  package var hashes: CredentialHashes
  /// For a device of the tenant: the extensions it serves, its own identity first.
  ///
  /// Empty within an extension.
  package var extensions: [String] = []
  /// Networks it may come from, "192.0.2.0/24", in the place of the tenant's.
  package var sources: [String] = []
  /// Countries it may come from besides; with neither it may come from where the tenant says.
  package var sourceCountries: [String]?

  package init(username: String, name: String, hashes: CredentialHashes, extensions: [String] = [])
  {
    (self.username, self.name, self.hashes) = (username, name, hashes)
    self.extensions = extensions
  }
}

/// The numbers that one extension may show.
package struct ExtensionCallerID: Codable, Hashable, Sendable {
  /// Shown on calls to the outside; nil: the first number that rings it, then the tenant's.
  package var number: String?
  /// Other numbers that the phone may ask to show.
  package var allowed: [String] = []
  /// Nil: as the tenant.
  package var withhold: Bool?

  package init() {}
}

/// Where calls go instead: an extension, or anything that could be dialled, paid by this extension.
package struct ForwardEntry: Codable, Hashable, Sendable {
  package var always: String?
  package var busy: String?
  package var noAnswer: String?
  package var noAnswerSeconds = 20
  package var notRegistered: String?
  /// A phone may forward by answering 3xx.
  ///
  /// Off by default: a stolen phone would do so, too.
  package var byPhone = false

  package init() {}
}

/// A number that carriers deliver, or a range of them, and who rings.
package struct NumberEntry: Codable, Hashable, Sendable {
  /// E.164 with a plus sign.
  package var first: String
  /// Of the same length as `first`; nil for a single number.
  package var last: String?
  /// Rung one after the other.
  package var steps: [RingStepEntry] = []
  /// For a range instead of `steps`: the extension whose number is that many last digits.
  package var lastDigits: Int?

  package init(first: String, last: String? = nil, steps: [RingStepEntry] = []) {
    (self.first, self.last, self.steps) = (first, last, steps)
  }
}

/// Extensions that ring together.
package struct RingStepEntry: Codable, Hashable, Sendable {
  package var extensions: [String]
  package var seconds: Int

  package init(extensions: [String], seconds: Int) {
    (self.extensions, self.seconds) = (extensions, seconds)
  }
}

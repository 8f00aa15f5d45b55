package import Elements
package import Numbering

/// A customer, compiled.
package final class Tenant: Sendable {
  package let id: TenantID
  package let name: String
  /// In lower case.
  package let domain: String
  package let domainBytes: [UInt8]
  package let timezone: String
  package let currency: Currency
  package let dialPlan: DialPlan
  package let destinations: DestinationPolicy
  package let limits: LimitEntry
  /// In order of preference.
  package let trunks: [TrunkID]
  /// In order of preference; `trunks` where none are named.
  package let emergencyTrunks: [TrunkID]
  package let rates: TenantRates
  package let notices: NoticeEntry
  /// Shown by extensions without a number of their own.
  package let callerNumber: PhoneNumber?
  package let media: MediaEntry
  package let sessionTimer: SessionTimerEntry
  let devicesByName: ByteTable

  package var country: CountryPlan { dialPlan.country }

  init(
    id: TenantID, entry: TenantEntry, currency: Currency, dialPlan: DialPlan,
    destinations: DestinationPolicy, trunks: [TrunkID], emergencyTrunks: [TrunkID],
    devicesByName: ByteTable
  ) {
    self.id = id
    name = entry.name
    domain = entry.domain.lowercased()
    domainBytes = Array(domain.utf8)
    timezone = entry.timezone
    (self.currency, self.dialPlan, self.destinations) = (currency, dialPlan, destinations)
    limits = entry.limits
    (self.trunks, self.emergencyTrunks) = (trunks, emergencyTrunks)
    rates = entry.rates
    notices = entry.notices
    callerNumber = entry.callerID.number.flatMap { PhoneNumber($0) }
    media = entry.media
    sessionTimer = entry.sessionTimer
    self.devicesByName = devicesByName
  }
}

/// An internal number, compiled.
package final class Extension: Sendable {
  package let id: ExtensionID
  package let tenant: Tenant
  package let digits: DigitString
  package let name: String
  package let limits: LimitEntry
  package let destinations: DestinationPolicy
  /// The phones that may sign in for it.
  package let devices: [DeviceID]
  package let forwards: Forwards
  package let callerID: CallerIDRule
  package let ringTime: Duration
  package let media: MediaEntry

  /// Its payer in the ledger.
  package var account: AccountID { AccountID(id.number) }

  init(
    id: ExtensionID, tenant: Tenant, digits: DigitString, entry: ExtensionEntry,
    limits: LimitEntry, destinations: DestinationPolicy, devices: [DeviceID],
    callerID: CallerIDRule
  ) {
    (self.id, self.tenant, self.digits) = (id, tenant, digits)
    name = entry.name
    (self.limits, self.destinations, self.devices) = (limits, destinations, devices)
    forwards = Forwards(entry.forwards)
    self.callerID = callerID
    ringTime = .seconds(entry.ringSeconds)
    media = entry.media ?? tenant.media
  }
}

/// Where calls to an extension go instead; each target is what its phone could have dialled.
package struct Forwards: Hashable, Sendable {
  package let always: [UInt8]?
  package let busy: [UInt8]?
  package let noAnswer: [UInt8]?
  /// How long it rings before `noAnswer`.
  package let noAnswerAfter: Duration
  package let notRegistered: [UInt8]?
  /// A phone's own 3xx answer counts as a forward of this extension.
  package let byPhone: Bool

  init(_ entry: ForwardEntry) {
    always = entry.always.map { Array($0.utf8) }
    busy = entry.busy.map { Array($0.utf8) }
    noAnswer = entry.noAnswer.map { Array($0.utf8) }
    noAnswerAfter = .seconds(entry.noAnswerSeconds)
    notRegistered = entry.notRegistered.map { Array($0.utf8) }
    byPhone = entry.byPhone
  }
}

/// Which number an extension shows to the outside.
package struct CallerIDRule: Hashable, Sendable {
  /// Nil: it has none, and calls go out without a number.
  package let number: PhoneNumber?
  /// What its phone may ask to show, ascending; `number` among them.
  package let allowed: [PhoneNumber]
  package let withhold: Bool

  package init(number: PhoneNumber?, allowed: [PhoneNumber], withhold: Bool) {
    (self.number, self.allowed, self.withhold) = (number, allowed, withhold)
  }

  /// What is shown when the phone asked for `wanted`: that where it may, otherwise its own number.
  package func shown(for wanted: PhoneNumber?) -> PhoneNumber? {
    wanted.flatMap { allowed.contains($0) ? $0 : nil } ?? number
  }
}

/// A phone, or another thing that signs in, compiled.
package final class Device: Sendable {
  package let id: DeviceID
  package let tenant: TenantID
  package let username: [UInt8]
  package let name: String
  package let hashes: CredentialHashes
  /// What it may register and call as; the first is its own identity.
  package let extensions: [ExtensionID]
  /// Where it may come from: its own list, or else the tenant's.
  package let sources: SourceRule

  init(
    id: DeviceID, tenant: TenantID, entry: DeviceEntry, extensions: [ExtensionID],
    sources: SourceRule
  ) {
    (self.id, self.tenant) = (id, tenant)
    username = Array(entry.username.utf8)
    name = entry.name
    hashes = entry.hashes
    (self.extensions, self.sources) = (extensions, sources)
  }
}

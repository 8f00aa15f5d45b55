import Foundation

/// A certificate that signs others.
private let authoritiesFile =
  repositoryFolder.appending(path: "Tests/Fixtures/tls/authority.pem").path

/// Some addresses and their countries.
let countriesFile = repositoryFolder.appending(path: "Tests/Fixtures/directory/countries.csv").path

/// A document with every key of version 1.
let everythingYAML = """
  version: 1
  platform:
    currency: EUR
    limits: { spend: { hour: 500, day: 2000, month: 20000, call: 50 }, concurrent: 500 }
    notices:
      mail: ["operator@provider.example"]
      webhooks: [{ url: "https://provider.example/hook" }]
    retention: { call_records: 730, alerts: 30 }
    never_ban: ["203.0.113.0/24", "2001:db8::7"]
    countries: "\(countriesFile)"
    edge: { wrong_users: 4, wrong_passwords: 8, probes: 12, ban_seconds: [600, 86400], strangers_per_second: 2000,
      calls_per_second: 5, known_hours: 72 }
  mail: { server: "smtps://mail.provider.example", from: "martinet@provider.example",
    username: martinet, password: "mail password", require_tls: true,
    tls_authorities: "\(authoritiesFile)" }
  rates:
    - { name: retail, file: retail.csv, currency: EUR, timezone: Europe/London }
    - { name: wholesale, file: wholesale.csv }
  trunks:
    - name: main
      address: "sip:sip.carrier.example;transport=tls"
      channels: 100
      register: { username: "4711", password: "carrier password", realm: carrier.example,
        address_of_record: "sip:4711@carrier.example", expires: 300 }
      sources: ["192.0.2.0/24", "2001:db8::/32"]
      client_certificate: sip.carrier.example
      present_certificate: for-carrier
      number_format: national
      prefix: "99#"
      country: ES
      identity: remote_party
      probe: 60
      timeout_ms: 3000
      progress_timeout: 12
      rates: { purchase: wholesale }
      limits: { spend: { day: 1000 } }
      srtp: required
      codecs: [opus, PCMA]
      session_timer: { expires: 900, minimum: 120 }
    - name: backup
      address: "sip:192.0.2.7"
      credentials: { username: us, password: "other password", realm: x }
  tenants:
    - name: works
      domain: works.example
      timezone: Europe/Paris
      country: FR
      currency: EUR
      limits: { spend: { hour: 50 }, basis: max }
      extension_limits:
        spend: { hour: 5, day: 20, month: none, call: 4 }
        international: { hour: 1, day: 2, month: 3 }
        attempts_per_hour: 60
        concurrent: 4
        price_per_minute: 0.5
        connection_fee: none
        prepaid: true
        basis: purchase
        release: [hour, day]
        habits: tell
      destinations: { international: deny, geographic: allow, mobile: allow, invalid: deny,
        geographic_or_mobile: allow, toll_free: allow, premium: deny, shared_cost: deny, voip: allow,
        personal: deny, pager: deny, universal_access: allow, voicemail: allow, satellite: deny,
        short_code: allow, allow: ["+44", BE], deny: ["+4470", GB] }
      outside_line: "0"
      emergency: ["7777"]
      extensions:
        - number: "201"
          name: Reception
          username: reception
          password: "a long password"
          sources: ["192.0.2.0/24"]
          source_countries: [NO, FR]
          limits: { spend: { day: 30 } }
          destinations: { international: allow }
          forwards: { always: "0+442079460000", busy: "202", no_answer: "202", no_answer_after: 15,
            not_registered: "00033142345678", by_phone: true }
          caller_id: { number: "+33142345678", withhold: false, allowed: ["+33142345600"] }
          ring: 40
          srtp: required
          codecs: [G722]
        - number: "202"
          devices:
            - { username: desk-202, name: Desk, password: "another long one", sources: ["10.0.0.0/8"],
                source_countries: [ES] }
            - { username: mobile-202 }
        - number: "203"
      devices:
        - { username: dect-base, name: DECT, password: "a base for handsets", extensions: ["202", "203"],
          sources: ["10.0.0.9"], source_countries: [fr] }
      numbers:
        - { number: "+33142345678", to: ["201", "202"], order: in_turn, ring: 25 }
        - { number: "+33142345679", to: [{ extensions: ["201"], ring: 10 }, { extensions: ["202", "203"] }] }
        - { first: "+33142345200", last: "+33142345299", last_digits: 3 }
      trunks: [main, backup]
      emergency_trunks: [backup]
      rates: { sell: retail, purchase: wholesale }
      notices:
        mail: ["admin@works.example", "boss@works.example"]
        webhooks: [{ url: "https://works.example/hook", secret: "0123456789abcdef0123" }]
      caller_id: { number: "+33142345678", withhold: true, foreign: ["+33142345600"] }
      srtp: off
      codecs: []
      session_timer: { expires: 3600, minimum: 600 }
      retention: { call_records: 180, alerts: 14 }
      sources: ["10.0.0.0/8", "fd00::/8"]
      source_countries: [FR]
  """

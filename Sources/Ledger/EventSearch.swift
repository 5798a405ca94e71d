import Cleaning
package import EventLog
import Projection

/// How much an event asks of a person. Derived from the event alone, so the same log always gives the same answer.
package enum Severity: String, CaseIterable, Comparable, Sendable {
    /// `info`: nothing to do. `low`: when there is time. `medium`: figures may be missing. `high`, `critical`: figures are in danger.
    case info, low, medium, high, critical

    package static func < (a: Self, b: Self) -> Bool { a.rank < b.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    /// What the event says of itself, else what its type means.
    package init(of event: Event) {
        if let said = event.body["severity"]?.string.flatMap({ Severity(rawValue: $0) }) {
            self = said
            return
        }
        let items = event.body["items"]?.array ?? []
        switch EventType(rawValue: event.type) {
        case .failed, .quarantined, .kpiAlerted: self = .medium
        case .drifted, .retracted: self = .low
        case .runCompleted:
            switch event.body["outcome"]?.string {
            case "failed": self = .medium
            case "degraded": self = .low
            default: self = .info
            }
        case .promoted:
            let isHeld = items.contains { $0["partitions"]?.array?.contains { $0["held"]?.bool == true } ?? false }
            self = isHeld ? .medium : items.contains { $0["rejects"] != nil } ? .low : .info
        default: self = ["auth.required", "auth.expired", "auth.expiring"].contains(event.type) ? .low : .info
        }
    }
}

/// Which events to find. Empty lists and nils do not restrict; everything given must hold.
package struct EventFilter: Sendable {
    /// Places, streams, types, run, time and order; its limit and object are not used.
    package var query = EventQuery()
    package var services: [String] = []
    package var datasets: [String] = []
    /// Accounts that an event, or a capture it speaks of, belongs to.
    package var accounts: [String] = []
    /// Bytes that an event names: captured, read, written or put into use by it.
    package var object: Hash256?
    /// At least so severe.
    package var severity: Severity?
    /// Text anywhere in the body, in any case.
    package var text: String?
    /// At most so many.
    package var limit: Int?

    package init() {}
}

/// An event with what a search says of it.
package struct FoundEvent: Sendable {
    package let event: Event
    /// Service and dataset; nil where the event concerns none.
    package let service: String?
    package let dataset: String?
    /// Accounts concerned, sorted; a promotion may speak of captures of several.
    package let accounts: [String]
    package let severity: Severity

    /// What events can be counted by.
    package enum Dimension: String, CaseIterable, Sendable { case service, dataset, account, type, severity, day, month, run, actor }

    /// The values of a dimension: one, or an empty text where the event has none; several accounts where it concerns several. Days are UTC.
    package func values(_ dimension: Dimension) -> [String] {
        switch dimension {
        case .service: [service ?? ""]
        case .dataset: [dataset ?? ""]
        case .account: accounts.isEmpty ? [""] : accounts
        case .type: [event.type]
        case .severity: [severity.rawValue]
        case .day: [String(event.time.iso.prefix(10))]
        case .month: [String(event.time.iso.prefix(7))]
        case .run: [event.run ?? ""]
        case .actor: [event.actor]
        }
    }
}

extension Lake {
    /// Refuses services and datasets that neither a definition nor an event names: no event can be found of them.
    package func check(_ filter: EventFilter) throws {
        guard !filter.services.isEmpty || !filter.datasets.isEmpty else { return }
        let definitions = try definitionsInForce()
        var services = Set(definitions.services.keys).union(definitions.contracts.values.map(\.contract.service))
        var datasets = Set(definitions.contracts.values.map(\.contract.dataset))
        guard !services.isSuperset(of: filter.services) || !datasets.isSuperset(of: filter.datasets) else { return }
        // A service that was taken away has its past.
        try log.read { transaction in
            try transaction.events(EventQuery()) { event in
                let (service, dataset) = Self.subject(of: event)
                if let service { services.insert(service) }
                if let dataset { datasets.insert(dataset) }
                return true
            }
        }
        func refuse(_ asked: [String], _ known: Set<String>, _ what: String) throws {
            guard let unknown = asked.first(where: { !known.contains($0) }) else { return }
            throw LedgerError("there is no \(what) “\(unknown)”\(NearNames.questionOrList(unknown, in: known))")
        }
        try refuse(filter.services, services, "service")
        try refuse(filter.datasets, datasets, "dataset")
    }

    /// Hands over the events that a filter lets through, until `body` returns false.
    package func events(_ filter: EventFilter, _ body: (FoundEvent) throws -> Bool) throws {
        var query = filter.query
        query.limit = nil
        query.object = nil
        let text = filter.text?.lowercased()
        let object = filter.object.map { Array($0.hex.utf8) }
        var left = filter.limit ?? Int.max
        guard left > 0 else { return }
        var accounts: [Int64: String] = [:]
        try log.read { transaction in
            try transaction.events(query) { event in
                let (service, dataset) = Self.subject(of: event)
                if !filter.services.isEmpty, service.map(filter.services.contains) != true { return true }
                if !filter.datasets.isEmpty, dataset.map(filter.datasets.contains) != true { return true }
                let severity = Severity(of: event)
                if let least = filter.severity, severity < least { return true }
                if let text, try !String(decoding: event.body.canonical(), as: UTF8.self).lowercased().contains(text) { return true }
                if let object, try !event.body.canonical().contains(object) { return true }
                var concerned = Set<String>()
                if let said = event.body["account"]?.string { concerned.insert(said) }
                let parts = event.stream.split(separator: "/")
                if parts.count == 3, parts[1] == "auth" { concerned.insert(String(parts[2])) }
                let captures = [event.body["capture"]?.int] + (event.body["items"]?.array ?? []).map { $0["capture"]?.int }
                for case let capture? in captures {
                    if accounts[capture] == nil { accounts[capture] = try transaction.event(capture)?.body["account"]?.string }
                    if let found = accounts[capture] { concerned.insert(found) }
                }
                if !filter.accounts.isEmpty, concerned.isDisjoint(with: filter.accounts) { return true }
                left -= 1
                let found = FoundEvent(
                    event: event, service: service, dataset: dataset, accounts: concerned.sorted(), severity: severity)
                return try body(found) && left > 0
            }
        }
    }

    /// How many events there are of each combination of values, in the order of the values.
    ///
    /// An event that concerns two accounts counts for both.
    package func countEvents(_ filter: EventFilter, by dimensions: [FoundEvent.Dimension]) throws -> [(values: [String], count: Int64)] {
        var counts: [[String]: Int64] = [:]
        try events(filter) { found in
            var keys: [[String]] = [[]]
            for dimension in dimensions {
                let values = found.values(dimension)
                keys = keys.flatMap { key in values.map { key + [$0] } }
            }
            for key in keys { counts[key, default: 0] += 1 }
            return true
        }
        return counts.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { ($0.key, $0.value) }
    }

    /// Service and dataset that an event concerns: from its stream, or from its body where the stream is of another kind.
    private static func subject(of event: Event) -> (service: String?, dataset: String?) {
        let parts = event.stream.split(separator: "/").map(String.init)
        let others: Set = ["run", "log", "reference", "definition", "curated", "archive", "access", "projection", "zones", "tag"]
        guard parts.count > 1, let first = parts.first, !others.contains(first) else { return (event.body["service"]?.string, nil) }
        return (first, parts[1] == "auth" ? nil : parts[1])
    }
}

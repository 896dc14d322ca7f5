export const home = {
  hello: "Hello, %{name}",
  mine: "My open tickets",
  mineEmpty: "Nothing is assigned to you. Take something from the unassigned tickets.",
  unassigned: "Unassigned",
  unassignedEmpty: "Every open ticket has somebody on it.",
  announcements: "Announcements",
  announcementsEmpty: "No announcements at the moment.",
  recent: "Recently viewed",
  recentEmpty: "The records you open will be listed here.",
  all: "Show all",
  newTicket: "New ticket",
  noTickets: "Your role does not include tickets. Choose an area on the left.",
};

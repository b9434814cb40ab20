"""Reports: one offline HTML file that answers first and then shows its evidence."""

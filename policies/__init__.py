"""Policies: the plug-ins that decide where jobs run and when energy is bought, stored and used."""
